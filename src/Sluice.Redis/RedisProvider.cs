using Sluice.Redis;

[assembly: StreamStoreProvider("redis", typeof(RedisProvider))]

namespace Sluice.Redis;

/// <summary>Opens <c>redis:HOST:PORT,password=…</c>.</summary>
internal sealed class RedisProvider : StreamStoreProvider
{
    public override async ValueTask<IStreamStore> OpenAsync(string location, CancellationToken cancellation = default)
        => await RedisStreamStore.ConnectAsync(location, new() { OnWarning = OnWarning }, cancellation).ConfigureAwait(false);

    public override string WithoutSecrets(string location) => ServerAddress.Parse(location).ToString() ?? "";
}
