namespace Sluice;

/// <summary>What the readers of a run's streams are called.</summary>
internal static class ReaderNames
{
    private const string ProcessorPrefix = "processor ";
    private const string GateSuffix = " (gate)";

    /// <summary>The reader of a stream that nobody is left to read: passes everything, so that it leaves the store.</summary>
    public const string Nobody = "nobody";

    /// <summary>The reader for which the inputs of a processor are kept.</summary>
    public static string Of(string processor) => ProcessorPrefix + processor;

    /// <summary>The reader of a service, of what comes out.</summary>
    public static string OfResult(string reader) => $"result {reader}";

    /// <summary>The reader that holds up who writes.</summary>
    public static string Gate(string reader) => reader + GateSuffix;

    /// <summary>Whom a reader stands for, for people.</summary>
    public static string Text(string reader)
    {
        string plain = reader.EndsWith(GateSuffix, StringComparison.Ordinal) ? reader[..^GateSuffix.Length] : reader;
        return plain.StartsWith(ProcessorPrefix, StringComparison.Ordinal) ? $"the processor {plain[ProcessorPrefix.Length..]}" : $"the {plain}";
    }
}
