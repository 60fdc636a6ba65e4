using Sluice.Flows;

namespace Words;

/// <summary>The processors that both services know by their names, and the flow that connects them.</summary>
internal static class WordFlow
{
    /// <summary>Splits a text into words. The service Splitter hosts it.</summary>
    public static readonly Processor Split = new("split") { Inputs = ["text"], Outputs = ["words"] };

    /// <summary>Finds the longest word. The service Counter hosts it.</summary>
    public static readonly Processor Longest = new("longest") { Inputs = ["words"], Outputs = ["word"] };

    /// <summary>Text in, the longest word out.</summary>
    public static readonly Flow Flow = Flow.From(Split, Longest).Resolve();
}
