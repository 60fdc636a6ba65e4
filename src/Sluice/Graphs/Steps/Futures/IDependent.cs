namespace Sluice.Graphs;

/// <summary>A dependent of a future: it waits for the future's end.</summary>
/// <remarks>
/// Told on the thread that ended the future, so it runs no user code; calls that may run now go to the <see cref="ReadyList"/>.
/// </remarks>
internal interface IDependent
{
    /// <summary>Whether it has ended on its own, and need not be told any more.</summary>
    bool IsOver => false;

    /// <summary>The future that cannot end before it has been told; null if unknown.</summary>
    Future? Waiter => this as Future;

    /// <summary>Told that a future has ended; once for each future that it is attached to, unless <see cref="IsOver"/>.</summary>
    void OnEnded(Future dependency, ref ReadyList released);

    /// <summary>
    /// Told that the running step of a future was cancelled, so that it need not wait for its end. May come any number of times before
    /// <see cref="OnEnded"/>.
    /// </summary>
    void OnCancelling(Failure cancellation, ref ReadyList released);
}

/// <summary>A link in the list of a future's dependents, if there is more than one.</summary>
internal sealed class DependentLink(IDependent dependent)
{
    public IDependent Dependent => dependent;

    /// <summary>Another link, or, at the end, the first dependent.</summary>
    public object? Next { get; set; }
}
