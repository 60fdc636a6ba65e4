namespace Sluice;

/// <summary>A node instance that is told when the run begins, and let go of when it has ended.</summary>
internal interface INodeLifetime : IAsyncDisposable
{
    int Node { get; }

    ValueTask BeginAsync();

    /// <summary>The run has not started, and never will.</summary>
    void NeverBegins() { }
}

/// <summary>A stage that stands for several nodes and counts for them.</summary>
internal interface IReportsCounts
{
    void Report(NodeCounts[] counts);
}
