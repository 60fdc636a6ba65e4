namespace Sluice.Diagnostics;

/// <summary>The status of a run.</summary>
public enum RunStatus
{
    /// <summary>Items are processed.</summary>
    Running,

    /// <summary>The sources are stopped; the remaining items are processed.</summary>
    Draining,

    /// <summary>The run was cancelled or failed; items in progress are given up.</summary>
    Stopping,

    /// <summary>All items were processed.</summary>
    Completed,

    /// <summary>A node failed.</summary>
    Failed,

    /// <summary>The run was cancelled.</summary>
    Cancelled,
}

/// <summary>The activity of a node.</summary>
public enum NodeActivity
{
    /// <summary>The node works, or waits for user code.</summary>
    Running,

    /// <summary>The node waits for input.</summary>
    Waiting,

    /// <summary>The node waits for room at the far end of an edge.</summary>
    Blocked,

    /// <summary>The node has ended.</summary>
    Ended,
}
