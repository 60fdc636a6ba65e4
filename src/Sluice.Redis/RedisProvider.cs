using Sluice.Redis;

[assembly: StreamStoreProvider("redis", typeof(RedisProvider))]

namespace Sluice.Redis;

/// <summary>Opens <c>redis:HOST:PORT,password=…</c>.</summary>
internal sealed class RedisProvider : StreamStoreProvider
{
    public override async ValueTask<IStreamStore> OpenAsync(string location, CancellationToken cancellation = default)
        => await OpenAsync(location, mustExist: false, cancellation).ConfigureAwait(false);

    /// <summary>Only a service makes a store: who looks at one, or has misspelt its prefix, writes nothing to the server.</summary>
    public override async ValueTask<IStreamStore> OpenReadOnlyAsync(string location, CancellationToken cancellation = default)
        => await OpenAsync(location, mustExist: true, cancellation).ConfigureAwait(false);

    public override async ValueTask<IStreamStore> OpenToChangeAsync(string location, CancellationToken cancellation = default)
        => await OpenAsync(location, mustExist: true, cancellation).ConfigureAwait(false);

    public override string WithoutSecrets(string location) => ServerAddress.Parse(location).ToString() ?? "";

    private async ValueTask<IStreamStore> OpenAsync(string location, bool mustExist, CancellationToken cancellation)
        => await RedisStreamStore.ConnectAsync(location, new() { OnWarning = OnWarning, MustExist = mustExist }, cancellation)
            .ConfigureAwait(false);
}
