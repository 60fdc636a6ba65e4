using System.Reflection;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A store that is exchanged for another while it is used, as when a backup is restored.</summary>
public class SwitchedStore : DispatchProxy
{
    private volatile IStreamStore current = null!;

    public static IStreamStore Over(IStreamStore first, out Action<IStreamStore> put)
    {
        var store = Create<IStreamStore, SwitchedStore>();
        var proxy = (SwitchedStore)(object)store;
        proxy.current = first;
        put = next => proxy.current = next;
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        => targetMethod!.Name == nameof(IAsyncDisposable.DisposeAsync) ? ValueTask.CompletedTask
        : targetMethod.Invoke(current, BindingFlags.DoNotWrapExceptions, null, args, null);
}
