using System.Collections;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines;

/// <summary>A list that fails at a stage with <c>Stage.Bisect</c>, and cannot be read when it is to be divided.</summary>
public class UnreadableListTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the consecutor ended, and again when the item came again.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ItIsADeadLetterAsAWhole(bool counts)
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source | (n => (IReadOnlyList<int>)new Closing(n, counts))
            | Write | Stage.Bisect, new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((2, 1, 0), (end.Completed, end.Dead, end.Unaccounted));
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(2, letter.Item);
    }

    /// <remarks>Regression: the run ended in spite of the policy.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InARunTheErrorPolicyDecides(bool counts)
    {
        RunSnapshot end = await (Source.From([1, 2, 3]) | (n => (IReadOnlyList<int>)new Closing(n, counts))
            | Write | Stage.Bisect.OnError(ErrorPolicy.DeadLetter)).RunAsync();
        Assert.Equal((2, 1), (end["Write"].Out, end.DeadLetters.Count));
    }

    private static void Write(IReadOnlyList<int> list)
    {
        var closing = (Closing)list;
        if (closing.Number != 2) return;
        closing.IsClosed = true;
        throw new FormatException("no good");
    }

    /// <summary>A list over something that is closed in the meantime.</summary>
    private sealed class Closing(int number, bool counts) : IReadOnlyList<int>
    {
        public int Number => number;

        public bool IsClosed { get; set; }

        public int Count => IsClosed && !counts ? throw new ObjectDisposedException("connection") : 4;

        public int this[int index] => IsClosed ? throw new ObjectDisposedException("connection") : index;

        public IEnumerator<int> GetEnumerator()
        {
            for (int i = 0; i < Count; i++) yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
