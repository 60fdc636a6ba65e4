namespace Sluice.Flows;

/// <summary>The names of the readers of a run's streams.</summary>
internal static class ReaderNames
{
    private const string ProcessorPrefix = "processor ";
    private const string ResultPrefix = "result ";
    private const string GateSuffix = " (gate)";

    /// <summary>The reader that passes everything in a stream without other readers, so that its values leave the store.</summary>
    public const string Nobody = "nobody";

    /// <summary>The reader that keeps the inputs of a processor.</summary>
    public static string Of(string processor) => ProcessorPrefix + processor;

    /// <summary>The reader that keeps results for a service.</summary>
    public static string OfResult(string reader) => ResultPrefix + reader;

    /// <summary>The reader that applies backpressure, for a reader that keeps values.</summary>
    public static string Gate(string reader) => reader + GateSuffix;

    /// <summary>The name of a reader without the suffix of its gate.</summary>
    public static string Plain(string reader)
        => reader.EndsWith(GateSuffix, StringComparison.Ordinal) ? reader[..^GateSuffix.Length] : reader;

    /// <summary>The processor that reads by a reader; null if it is none.</summary>
    public static string? Processor(string reader)
        => reader.StartsWith(ProcessorPrefix, StringComparison.Ordinal) ? Plain(reader)[ProcessorPrefix.Length..] : null;

    /// <summary>Says who reads by a reader.</summary>
    public static string Who(string reader) => Processor(reader) is { } processor ? $"the processor {processor}"
        : reader.StartsWith(ResultPrefix, StringComparison.Ordinal) ? $"the service {Plain(reader)[ResultPrefix.Length..]}" : Plain(reader);

    /// <summary>Describes a reader for people.</summary>
    public static string Text(string reader)
    {
        string plain = Plain(reader);
        return plain.StartsWith(ProcessorPrefix, StringComparison.Ordinal) ? $"the processor {plain[ProcessorPrefix.Length..]}"
            : $"the {plain}";
    }
}
