using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A dead letter of a timer whose node has no timers any more.</summary>
public class ChangedTimerTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly it entered as an item without bytes.</remarks>
    [Fact]
    public async Task ItSaysSoAndIsKept()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using (Consecutor<string> before = New(store,
            static source => source | StageNode.Of(() => new Remote(null)) | Stage.Named("remote") | (_ => { })))
        {
            await before.StartAsync(Cancellation);
            await before.SendAsync("x:set broken 60", Cancellation);
            await before.WaitForIdleAsync(Cancellation);
            await Member.UntilAsync(() =>
            {
                clock.Advance(TimeSpan.FromMinutes(1));
                return before.Snapshot() is { Dead: 1, IsIdle: true };
            });
        }
        await using Consecutor<string> now = New(store,
            static source => source | StageNode.Of(() => new NoTimers()) | Stage.Named("remote") | (_ => { }));
        await now.StartAsync(Cancellation);
        Assert.Equal(1, await now.RedriveAsync(static _ => true, Cancellation));
        await now.WaitForIdleAsync(Cancellation);
        DeadLetter letter = Assert.Single(await now.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal("the timer 'broken' of the key 'x'", letter.Item);
        Assert.Contains("It is the timer 'broken' of the key 'x', and the node 'remote' of this code has no timers.", letter.Error,
            StringComparison.Ordinal);
    }

    private Consecutor<string> New(IStreamStore store, Func<Source<string>, Pipeline> body) => new("remotes", body, new()
    {
        Store = store,
        Process = new(),
        Delivery = DeliveryGuarantee.Replay(0),
        Stream = new() { Partitions = 1 },
        Run = new() { Time = clock },
    })
    { Key = static command => command.Split(':')[0] };
}
