using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>The contract needs no fast store: a server's time goes on during the calls.</summary>
public class PassingTimeTests
{
    [Fact]
    public async Task AStoreWhoseCallsTakeTwoSecondsKeepsTheContract()
    {
        foreach (string scenario in StreamStoreContract.Scenarios
            .Where(static name => !name.StartsWith("Random", StringComparison.Ordinal)))
            await StreamStoreContract.RunAsync(scenario, new SlowFixture());
    }

    private sealed class SlowFixture : StreamStoreFixture
    {
        private readonly MemoryStoreFixture inner = new();
        private readonly Lock moving = new();        // some scenarios call from several threads, and only one may move the clock

        public override int KillStride => 16;

        public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
            => new SlowStore(await inner.OpenAsync(time), (TestClock)time, moving);

        public override bool CanOpenSeveral(IStreamStore store) => true;

        public override ValueTask KillAsync(IStreamStore store) => inner.KillAsync(store);

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    private sealed class SlowStore(IStreamStore inner, TestClock clock, Lock moving) : StreamStoreWrapper(inner)
    {
        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            T result = await call();
            lock (moving) clock.Advance(TimeSpan.FromSeconds(2));
            return result;
        }
    }
}
