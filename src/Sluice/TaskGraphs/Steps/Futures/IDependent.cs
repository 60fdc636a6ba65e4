namespace Sluice;

/// <summary>Somebody who waits for the end of a future.</summary>
/// <remarks>Told on the thread that ended it, so it runs nothing of the user's: what may run now is given to <see cref="ReadyList"/>.</remarks>
internal interface IDependent
{
    /// <summary>Whether it has ended without what it waited for, and need not be told any more.</summary>
    bool IsOver => false;

    /// <summary>What cannot end before it has been told; null if that is not known.</summary>
    Future? Waiter => this as Future;

    /// <summary>What it waited for has ended. Called once for each future that it was attached to, unless <see cref="IsOver"/>.</summary>
    void OnEnded(Future dependency, ref ReadyList released);

    /// <summary>What it waits for is running and was cancelled: whoever wants the value need not wait for the end. May be called before <see cref="OnEnded"/>, any number of times.</summary>
    void OnCancelling(Failure cancellation, ref ReadyList released);
}

/// <summary>A place in the list of those who wait for a future, where there is more than one.</summary>
internal sealed class DependentLink(IDependent dependent)
{
    public IDependent Dependent => dependent;

    /// <summary>Another link, or, at the end, the one who came first.</summary>
    public object? Next { get; set; }
}
