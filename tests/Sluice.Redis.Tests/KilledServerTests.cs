using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>
/// The contract again: where a scenario kills the owner of the store, the server is killed too, each third time twice in a row. Runs the
/// scenarios that kill inside and after each call, and two random walks. SLUICE_KILLS=all runs all scenarios.
/// </summary>
public class KilledServerTests
{
    public static TheoryData<string> Scenarios => [
        .. StreamStoreContract.Scenarios.Where(name => Environment.GetEnvironmentVariable("SLUICE_KILLS") == "all"
        || name.StartsWith("KilledInside", StringComparison.Ordinal) || name.StartsWith("KilledAfter", StringComparison.Ordinal)
        || name is "RandomOperationsAgreeWithTheModel1" or "RandomOperationsAgreeWithTheModel2")];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario) => await StreamStoreContract.RunAsync(scenario, new Fixture());

    private sealed class Fixture : StreamStoreFixture
    {
        private RedisServer? server;
        private int kills;
        private readonly PassedTime passed = new(stands: true);

        public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        {
            server ??= await RedisServer.StartAsync("--appendfsync", "always");
            return await RedisStreamStore.ConnectAsync(server.Address, new() { Time = time, ServerTime = () => passed.Now });
        }

        public override ValueTask PassTimeAsync(TestClock clock, TimeSpan time)
        {
            passed.Pass(time);
            return base.PassTimeAsync(clock, time);
        }

        public override async ValueTask KillAsync(IStreamStore store)
        {
            await server!.KillAsync();
            await store.DisposeAsync();
            await server.StartAgainAsync();
            if (++kills % 3 != 0) return;
            Task<RedisStreamStore> opening = RedisStreamStore.ConnectAsync(server.Address, new() { Timeout = TimeSpan.Zero }).AsTask();
            await server.KillAsync();
            await server.StartAgainAsync();
            try
            {
                await (await opening).DisposeAsync();
            }
            catch (StreamStoreException)
            {
                // The server died while the store was opened. The next user finds out how far it got.
            }
        }

        public override async ValueTask DisposeAsync()
        {
            if (server is not null) await server.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
