using System.Reflection;
using System.Text.Json;
using Sluice.Programs;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>A store in another process, called like a local one.</summary>
#pragma warning disable CA1852 // the proxy is made of a class derived from it at run time
internal class RemoteStore : DispatchProxy
#pragma warning restore CA1852
{
    private volatile bool isClosed;

    public VictimProcess Victim { get; private set; } = null!;

    public static IStreamStore Over(VictimProcess victim)
    {
        IStreamStore store = Create<IStreamStore, RemoteStore>();
        ((RemoteStore)(object)store).Victim = victim;
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        (MethodInfo method, object?[] arguments) = (targetMethod!, args!);
        if (method.Name == nameof(IAsyncDisposable.DisposeAsync)) return new ValueTask(CloseAsync());
        // No function of this process runs in another one.
        if (method.Name is "get_Root") return this;
        if (method.Name is "get_TransactionType") return null;
        CancellationToken cancellation = arguments.OfType<CancellationToken>().FirstOrDefault();
        Task<JsonElement?> call = cancellation.IsCancellationRequested
            ? Task.FromCanceled<JsonElement?>(cancellation)
            : CallAsync(method.Name, [.. arguments.Where(argument => argument is not CancellationToken)]).WaitAsync(cancellation);
        if (method.ReturnType == typeof(ValueTask)) return new ValueTask(call);
        if (!method.ReturnType.IsGenericType) return call.GetAwaiter().GetResult()?.Deserialize(method.ReturnType, Wire.Options);
        return typeof(RemoteStore).GetMethod(nameof(ResultAsync), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(method.ReturnType.GetGenericArguments()[0]).Invoke(null, [call]);
    }

    private static async ValueTask<T?> ResultAsync<T>(Task<JsonElement?> call)
        => await call is { } result ? result.Deserialize<T>(Wire.Options) : default;

    private async Task<JsonElement?> CallAsync(string method, object?[] arguments)
    {
        ObjectDisposedException.ThrowIf(isClosed, this);
        try
        {
            return await Victim.CallAsync(method, arguments);
        }
        catch (IOException) when (isClosed)
        {
            throw new ObjectDisposedException(nameof(RemoteStore));
        }
    }

    private async Task CloseAsync()
    {
        if (isClosed) return;
        isClosed = true;
        await Victim.CallAsync("close");
        await Victim.KillAsync();
    }
}
