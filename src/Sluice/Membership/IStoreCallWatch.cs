namespace Sluice.Membership;

/// <summary>Notified of calls to a store.</summary>
internal interface IStoreCallWatch
{
    /// <summary>A call begins. The caller repeats it until the store answers.</summary>
    void Ask();

    /// <summary>The store has answered the call, or the caller has given it up.</summary>
    void Answer();
}
