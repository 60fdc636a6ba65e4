using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

public class RedrivenLetterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARedrivenPartThatFailsAgainKeepsItsNodeAndItsId()
    {
        var call = 0;
        var arrived = new ConcurrentQueue<string>();
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string>("work",
            source => source | (static text => text + " first") | Second | Stage.Named("second") | ((string text, ItemContext item) =>
            {
                arrived.Enqueue($"{item.Id}: {text}");
                return Task.CompletedTask;
            }), new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync("sent", Cancellation);

        // It dies before its first output, so at its node; then between two outputs, so as a whole.
        for (int death = 1; death <= 2; death++)
        {
            Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
            DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
            Assert.True(letter.EntersAtNode);
            Assert.StartsWith($"{letter.Id}: ", arrived.LastOrDefault($"{letter.Id}: "), StringComparison.Ordinal);
            Assert.Equal(1, await consecutor.RedriveAsync(_ => true, Cancellation));
        }
        Assert.Equal((1, 0), ((await consecutor.WaitForIdleAsync(Cancellation)).Completed, consecutor.Snapshot().Dead));
        Assert.All(arrived, text => Assert.EndsWith("@1: sent first second", text, StringComparison.Ordinal));
        Assert.Single(arrived.Distinct());

        IEnumerable<string> Second(string text)
        {
            if (++call == 1) throw new InvalidOperationException("before");
            yield return text + " second";
            if (call == 2) throw new InvalidOperationException("in the middle");
        }
    }
}
