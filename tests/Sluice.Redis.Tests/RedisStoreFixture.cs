using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>A store on the server that all tests share, under a prefix of its own: a kill cuts its connection.</summary>
internal sealed class RedisStoreFixture(SharedServer server) : StreamStoreFixture
{
    private readonly string prefix = SharedServer.NewPrefix();

    private TimeSpan passed;

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        => await RedisStreamStore.ConnectAsync(server.Address, new() { Time = time, Prefix = prefix, Ahead = () => passed });

    public override ValueTask PassTimeAsync(TestClock clock, TimeSpan time)
    {
        passed += time;
        return base.PassTimeAsync(clock, time);
    }
}
