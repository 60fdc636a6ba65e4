namespace Sluice.PostgreSql;

/// <summary>What the server is known to take from a sink. One object for each start of a sink.</summary>
internal sealed class SinkEvidence
{
    /// <summary>The types of the statement's parameters, as the server told them at the start; null before.</summary>
    public uint[]? Types { get; set; }

    /// <summary>The last row that was committed; null if none was since the start.</summary>
    public object?[]? Taken { get; set; }
}
