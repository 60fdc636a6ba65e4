namespace Sluice;

/// <summary>How far a <see cref="Future"/> is.</summary>
public enum FutureStatus
{
    /// <summary>It waits for what it depends on, or for its turn.</summary>
    Waiting,

    /// <summary>Its step is running.</summary>
    Running,

    /// <summary>It has its value.</summary>
    Succeeded,

    /// <summary>Its step, or something that it depends on, has failed.</summary>
    Failed,

    /// <summary>It was cancelled, or something that it depends on.</summary>
    Cancelled,
}
