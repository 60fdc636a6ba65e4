namespace Sluice.Flows;

/// <summary>The names of the readers of a run's streams.</summary>
internal static class ReaderNames
{
    private const string ProcessorPrefix = "processor ";
    private const string GateSuffix = " (gate)";

    /// <summary>The reader that passes everything in a stream without other readers, so that its values leave the store.</summary>
    public const string Nobody = "nobody";

    /// <summary>The reader that keeps the inputs of a processor.</summary>
    public static string Of(string processor) => ProcessorPrefix + processor;

    /// <summary>The reader that keeps results for a service.</summary>
    public static string OfResult(string reader) => $"result {reader}";

    /// <summary>The reader that applies backpressure, for a reader that keeps values.</summary>
    public static string Gate(string reader) => reader + GateSuffix;

    /// <summary>Describes a reader for people.</summary>
    public static string Text(string reader)
    {
        string plain = reader.EndsWith(GateSuffix, StringComparison.Ordinal) ? reader[..^GateSuffix.Length] : reader;
        return plain.StartsWith(ProcessorPrefix, StringComparison.Ordinal) ? $"the processor {plain[ProcessorPrefix.Length..]}"
            : $"the {plain}";
    }
}
