import Foundation
import Testing
import Workshop

@Suite struct OperatorFoldersTests {
    @Test(arguments: [
        ("reading /srv/cord/temporary/1f/a.bin failed", "reading temporary/1f/a.bin failed"),
        ("/srv/cord/models/m/config.json: no", "config.json: no"), ("the folder /srv/cord is full", "the folder cord is full"),
        ("/srv/other/a.wav", "/srv/other/a.wav"), ("nothing", "nothing"),
    ])
    func noTextTellsWhereAFolderLies(text: String, shown: String) {
        let folders = OperatorFolders(["/srv/cord/", "/srv/cord/models/m", "/"].map { URL(fileURLWithPath: $0) })
        #expect(folders.hidden(in: text) == shown)
    }
}
