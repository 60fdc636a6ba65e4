namespace Sluice.Graphs;

/// <summary>The state of a <see cref="Future"/>.</summary>
public enum FutureStatus
{
    /// <summary>It waits for its dependencies, or for a concurrency limit.</summary>
    Waiting,

    /// <summary>Its step is running.</summary>
    Running,

    /// <summary>It has succeeded.</summary>
    Succeeded,

    /// <summary>Its step or a dependency has failed.</summary>
    Failed,

    /// <summary>It or a dependency was cancelled.</summary>
    Cancelled,
}
