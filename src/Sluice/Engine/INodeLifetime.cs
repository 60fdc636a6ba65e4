namespace Sluice.Engine;

/// <summary>A node instance with a lifetime: it begins before the run and is disposed after it.</summary>
internal interface INodeLifetime : IAsyncDisposable
{
    int Node { get; }

    ValueTask BeginAsync();

    /// <summary>The run has not started and never will.</summary>
    void NeverBegins() { }
}

/// <summary>A stage that represents several nodes, and reports the counts of each.</summary>
internal interface IReportsCounts
{
    void Report(NodeCounts[] counts);

    /// <summary>The node whose code has an item now and is awaited; -1 if there is none. Any thread.</summary>
    int Awaiting => -1;
}
