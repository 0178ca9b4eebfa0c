/// The stored form of an objective. Members that earlier programs did not know take their defaults if absent.
extension Objective {
    enum CodingKeys: CodingKey {
        case method, topK, topKShare, alpha, beta, tokenTemperature, sequenceTemperature, teacherTemperature, rollouts, maxRolloutTokens
        case tokenCoefficient, sequenceCoefficient, teacher, reference, reduction, dividesByDeviation, clipRatio, normalisation, estimator
        case importanceBound, referenceCoefficient, entropyCoefficient, updatesPerRollout, replayWeight, replayTranscripts
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys, _ type: Value.Type = Value.self) throws -> Value { try container.decode(type, forKey: key) }
        func later<Value: Decodable>(_ key: CodingKeys, _ initial: Value) throws -> Value {
            try container.decodeIfPresent(Value.self, forKey: key) ?? initial
        }
        method = try value(.method)
        topK = try value(.topK)
        topKShare = try container.decodeIfPresent(Double.self, forKey: .topKShare)
        alpha = try value(.alpha)
        beta = try value(.beta)
        tokenTemperature = try value(.tokenTemperature)
        sequenceTemperature = try value(.sequenceTemperature)
        teacherTemperature = try value(.teacherTemperature)
        rollouts = try value(.rollouts)
        maxRolloutTokens = try value(.maxRolloutTokens)
        tokenCoefficient = try value(.tokenCoefficient)
        sequenceCoefficient = try value(.sequenceCoefficient)
        teacher = try value(.teacher)
        reference = try value(.reference)
        reduction = try value(.reduction)
        dividesByDeviation = try value(.dividesByDeviation)
        clipRatio = try container.decodeIfPresent(Double.self, forKey: .clipRatio)
        normalisation = try value(.normalisation)
        estimator = try later(.estimator, estimator)
        importanceBound = try later(.importanceBound, importanceBound)
        referenceCoefficient = try later(.referenceCoefficient, referenceCoefficient)
        entropyCoefficient = try later(.entropyCoefficient, entropyCoefficient)
        updatesPerRollout = try later(.updatesPerRollout, updatesPerRollout)
        replayWeight = try later(.replayWeight, replayWeight)
        replayTranscripts = try later(.replayTranscripts, replayTranscripts)
    }
}
