using Sluice.Testing;
using Sluice.Tests.Flows;
using Wrapping = System.Func<Sluice.Storage.IStreamStore, Sluice.Storage.IStreamStore>;

namespace Sluice.Tests.Storage;

/// <content>Fixtures that fail.</content>
public partial class FaultyStoreTests
{
    [Fact]
    public async Task AFixtureThatCannotDeleteItsDataHidesNoFault()
    {
        var failure = await Assert.ThrowsAsync<StreamStoreContractException>(() => StreamStoreContract.RunAsync(
            "AReservationCountsAgainstTheBoundOfBytes", new KeepsItsFiles(static inner => new ReservesNoBytes(inner))));
        Assert.Contains("600 bytes", failure.Message, StringComparison.Ordinal);

        await Assert.ThrowsAsync<IOException>(() => StreamStoreContract.RunAsync("ACheckReadsEveryEntry", new KeepsItsFiles()));
    }

    [Fact]
    public async Task AFixtureWhoseDisposalHangsIsGivenUpAfterFiveMinutes()
    {
        var clock = new TestClock();
        await using var fixture = new Hangs(static inner => new ReservesNoBytes(inner));
        Task<string?> check = StreamStoreContract.CheckAsync("AReservationCountsAgainstTheBoundOfBytes", fixture, clock);
        await fixture.Begun.WaitAsync(TestContext.Current.CancellationToken);
        await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(TimeSpan.FromMinutes(5), clock.NextDue - clock.GetUtcNow());
        Assert.False(check.IsCompleted);
        var failure = await Assert.ThrowsAsync<StreamStoreContractException>(() => clock.AdvanceUntilAsync(check));
        Assert.Contains("600 bytes", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>The first disposal blocks its thread until the second.</summary>
    private sealed class Hangs(Wrapping wrap) : MemoryStoreFixture(wrap)
    {
        private readonly ManualResetEventSlim goOn = new();
        private int disposals;

        public SemaphoreSlim Begun { get; } = new(0);

        public override ValueTask DisposeAsync()
        {
            if (Interlocked.Increment(ref disposals) > 1)
            {
                goOn.Set();
                return ValueTask.CompletedTask;
            }
            Begun.Release();
            goOn.Wait(CancellationToken.None);
            return base.DisposeAsync();
        }
    }

    private sealed class KeepsItsFiles(Wrapping? wrap = null) : MemoryStoreFixture(wrap)
    {
        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            throw new IOException("a file is in use");
        }
    }
}
