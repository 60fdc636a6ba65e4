using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests;

/// <summary>A store that calls a function of the test before and after each append.</summary>
internal sealed class HookedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    /// <summary>Awaited before every append.</summary>
    public Func<Task> Before { get; set; } = static () => Task.CompletedTask;

    /// <summary>Awaited after every append, before it is answered.</summary>
    public Func<Task> After { get; set; } = static () => Task.CompletedTask;

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (name != nameof(AppendAsync)) return await call();
        await Before();
        T result = await call();
        await After();
        return result;
    }
}
