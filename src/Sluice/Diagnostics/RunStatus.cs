namespace Sluice;

/// <summary>Where a run is in its life.</summary>
public enum RunStatus
{
    /// <summary>Items move.</summary>
    Running,

    /// <summary>The sources have been stopped; the rest is being processed.</summary>
    Draining,

    /// <summary>Cancelled or failed; what is under way is being given up.</summary>
    Stopping,

    /// <summary>Everything was processed.</summary>
    Completed,

    /// <summary>A node failed.</summary>
    Failed,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,
}

/// <summary>What a node is doing.</summary>
public enum NodeActivity
{
    /// <summary>It works, or waits for user code.</summary>
    Running,

    /// <summary>It waits for input.</summary>
    Waiting,

    /// <summary>It cannot go on before the far end of an edge has taken something.</summary>
    Blocked,

    /// <summary>It has come to its end.</summary>
    Ended,
}
