using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>
/// The contract again: where a scenario kills the owner of the store, the server is killed too, each third time twice in a row. Runs the
/// scenarios that kill inside and after each call, and two random walks. The scenarios kill at each call, and the server dies with each
/// third kill. With SLUICE_KILLS=all the server dies with each kill, and all scenarios run.
/// </summary>
[Long("ConformanceTests; TortureTests kill the server; KilledOwnerTests of SQLite")]
public class KilledServerTests
{
    private static readonly bool AreAll = Environment.GetEnvironmentVariable("SLUICE_KILLS") == "all";

    public static TheoryData<string> Scenarios => [
        .. StreamStoreContract.Scenarios.Where(name => AreAll
        || name.StartsWith("KilledInside", StringComparison.Ordinal) || name.StartsWith("KilledAfter", StringComparison.Ordinal)
        || name is "RandomOperationsAgreeWithTheModel1" or "RandomOperationsAgreeWithTheModel2")];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
    {
        if (await StreamStoreContract.RunAsync(scenario, new Fixture(scenario)) is { } missing) Assert.Skip(missing);
    }

    private sealed class Fixture(string scenario) : StreamStoreFixture
    {
        // Two kills at each call: the server dies with the first, with the second, or with none, in turns that differ by scenario.
        private readonly int every = AreAll || !scenario.StartsWith("Killed", StringComparison.Ordinal) ? 1 : 3;
        private int owners = scenario.StartsWith("KilledInside", StringComparison.Ordinal) ? 0 : 1;
        private RedisServer? server;
        private int kills;
        private readonly PassedTime passed = new(stands: true);

        public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        {
            server ??= await RedisServer.StartAsync("--appendfsync", "always");
            return await RedisStreamStore.ConnectAsync(server.Address,
                Patient.Mortal with { Time = time, ServerTime = () => passed.Now });
        }

        public override ValueTask PassTimeAsync(TestClock clock, TimeSpan time)
        {
            passed.Pass(time);
            return base.PassTimeAsync(clock, time);
        }

        public override async ValueTask KillAsync(IStreamStore store)
        {
            if (owners++ % every != 0)
            {
                await store.DisposeAsync();
                return;
            }
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
