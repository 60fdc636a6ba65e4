using System.Reflection;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A store with a replica that takes over at a lease, which fails. The replica has what was done before it was cut off.</summary>
public class ReplicatedStore : DispatchProxy
{
    private readonly Lock sync = new();
    private IStreamStore master = null!, replica = null!;
    private bool isCut, failsLease, failsRelease;

    public static IStreamStore Over(IStreamStore master, IStreamStore replica, out ReplicatedStore control)
    {
        var store = Create<IStreamStore, ReplicatedStore>();
        control = (ReplicatedStore)(object)store;
        (control.master, control.replica) = (master, replica);
        return store;
    }

    /// <summary>From here on the replica gets nothing any more.</summary>
    public void Cut()
    {
        lock (sync) isCut = true;
    }

    /// <summary>The replica takes over at the next lease.</summary>
    /// <param name="failsRelease">Whether the release behind it fails, too.</param>
    public void FailLease(bool failsRelease)
    {
        lock (sync) (failsLease, this.failsRelease) = (true, failsRelease);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(IAsyncDisposable.DisposeAsync)) return ValueTask.CompletedTask;
        lock (sync)
        {
            if (failsLease && targetMethod.Name == nameof(IStreamStore.LeaseAsync))
            {
                (failsLease, isCut, master) = (false, true, replica);
                throw new StreamStoreException("The master has died.");
            }
            if (failsRelease && !failsLease && targetMethod.Name == nameof(IStreamStore.ReleaseAsync))
            {
                failsRelease = false;
                throw new StreamStoreException("The replica is not ready.");
            }
            if (!isCut && targetMethod.Name != nameof(IStreamStore.WaitForChangeAsync)) Call(replica);
            return Call(master);
        }

        object? Call(IStreamStore store) => targetMethod.Invoke(store, BindingFlags.DoNotWrapExceptions, null, args, null);
    }
}
