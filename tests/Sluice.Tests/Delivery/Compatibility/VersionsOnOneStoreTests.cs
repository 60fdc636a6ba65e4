using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Serialization;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>An older and a newer program share a store. An item that one of them cannot read becomes a dead letter with its bytes and the
/// reason; it is never processed with missing members.</summary>
public class VersionsOnOneStoreTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private sealed record Older(string Customer, decimal Amount);

    private sealed record Renamed(string Client, decimal Amount);

    private sealed record Grown(string Customer, decimal Amount, string? Note = null, int Priority = 5);

    private sealed record Balance(string Owner, decimal Total);

    private sealed record RenamedBalance(string Holder, decimal Total);

    [Fact]
    public async Task AnItemWithARenamedMemberIsDeadUntilCodeThatKnowsItRedrivesIt()
    {
        await using var store = new MemoryStreamStore();
        await SendAsync(store, new Older("ann", 12.5m));
        (List<Renamed> seen, List<DeadLetter> dead) = await ProcessAsync<Renamed>(store);
        Assert.Empty(seen);
        DeadLetter letter = Assert.Single(dead);
        Assert.Equal("""{"Customer":"ann","Amount":12.5}""", Encoding.UTF8.GetString(letter.Payload.Span));
        Assert.Contains("Members are missing: 'Client' (a text). Path: $ |", letter.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", letter.Error, StringComparison.Ordinal);

        // Redriven by the newer program it is the same dead letter again; redriven by the older one it is processed.
        (seen, dead) = await ProcessAsync<Renamed>(store, redrives: true);
        Assert.Empty(seen);
        Assert.Single(dead);
        (List<Older> read, dead) = await ProcessAsync<Older>(store, redrives: true);
        Assert.Equal([new("ann", 12.5m)], read);
        Assert.Empty(dead);

        await SendAsync(store, new Renamed("bob", 1));
        (read, dead) = await ProcessAsync<Older>(store);
        Assert.Empty(read);
        Assert.Contains("Members are missing: 'Customer' (a text)", Assert.Single(dead).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnItemWithAnAddedMemberIsReadByOldAndNewCode()
    {
        await using var store = new MemoryStreamStore();
        await SendAsync(store, new Older("ann", 1));
        Assert.Equal([new("ann", 1)], (await ProcessAsync<Grown>(store)).Seen);
        await SendAsync(store, new Grown("bob", 2, "note", 7));
        Assert.Equal([new("bob", 2)], (await ProcessAsync<Older>(store)).Seen);

        await SendAsync(store, new Grown("cid", 3, "note", 7));
        (List<Older> seen, List<DeadLetter> dead) = await ProcessAsync<Older>(store,
            PayloadSerializers.Json.Unmapped(JsonUnmappedMemberHandling.Disallow));
        Assert.Empty(seen);
        Assert.Contains("There is no member 'Note' here: expected 'Customer', 'Amount'.", Assert.Single(dead).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task StateOfAnotherTypeIsRefusedAtTheStart()
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<Older> first = Counting<Balance>(store,
            static (before, item) => new(item.Customer, (before?.Total ?? 0) + item.Amount)))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(new("ann", 10), Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<Older> second = Counting<RenamedBalance>(store,
            static (before, item) => new(before!.Holder.ToUpperInvariant(), before.Total + item.Amount));
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await second.StartAsync(Cancellation);
            await second.SendAsync(new("ann", 1), Cancellation);
            await second.WaitForIdleAsync(Cancellation);
            await foreach (DeadLetter dead in second.ListDeadLettersAsync(Cancellation)) throw new InvalidOperationException(dead.Error);
        });
        Assert.Contains(nameof(RenamedBalance), failure.Message, StringComparison.Ordinal); // the start refuses state of another type
        Assert.DoesNotContain(nameof(NullReferenceException), failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task StateWithARenamedMemberFailsItsItemsAndTheErrorNamesTheMember()
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<Older> first = Counting<Old.Total>(store,
            static (before, item) => new(item.Customer, (before?.Amount ?? 0) + item.Amount)))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(new("ann", 10), Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        var seen = new ConcurrentQueue<New.Total?>();
        await using Consecutor<Older> second = Counting<New.Total>(store, (before, item) =>
        {
            seen.Enqueue(before);
            return new(before!.Holder.ToUpperInvariant(), before.Amount + item.Amount);
        });
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await second.StartAsync(Cancellation);
            await second.SendAsync(new("ann", 1), Cancellation);
            await second.WaitForIdleAsync(Cancellation);
            await foreach (DeadLetter dead in second.ListDeadLettersAsync(Cancellation)) throw new InvalidOperationException(dead.Error);
        });
        Assert.Contains("Holder", failure.Message, StringComparison.Ordinal);          // names the missing member
        Assert.DoesNotContain(nameof(NullReferenceException), failure.ToString(), StringComparison.Ordinal);
        Assert.Empty(seen);
    }

    [Fact]
    public async Task AnItemThatCouldNotBeReadAgainIsNotAccepted()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<Older> consecutor = Make<Older>(store, _ => { });
        PayloadException refusal = await Assert.ThrowsAsync<PayloadException>(async () => await consecutor.SendAsync(new(null!, 1),
            Cancellation));
        Assert.Contains("'Customer'", refusal.Message, StringComparison.Ordinal);
    }

    private static Consecutor<Older> Counting<TState>(MemoryStreamStore store, Func<TState?, Older, TState> next) where TState : class
        => new("orders", source => source.Scan(default(TState), next!) | Stage.Named("balance") | (_ => { }),
        new() { Store = store, Stream = new() { Partitions = 1 } });

    private static Consecutor<T> Make<T>(MemoryStreamStore store, Action<T> see, PayloadSerializers? serializers = null)
        => new("orders", source => source | see, new()
        {
            Store = store,
            Serializers = serializers ?? PayloadSerializers.Json,
            Stream = new() { Partitions = 1 }
        });

    private static async Task SendAsync<T>(MemoryStreamStore store, T item)
    {
        await using Consecutor<T> consecutor = Make<T>(store, _ => { });
        await consecutor.SendAsync(item, Cancellation);
    }

    private static async Task<(List<T> Seen, List<DeadLetter> Dead)> ProcessAsync<T>(MemoryStreamStore store,
        PayloadSerializers? serializers = null, bool redrives = false)
    {
        var seen = new ConcurrentQueue<T>();
        await using Consecutor<T> consecutor = Make<T>(store, seen.Enqueue, serializers);
        await consecutor.StartAsync(Cancellation);
        if (redrives) await consecutor.RedriveAsync(_ => true, cancellation: Cancellation);
        Assert.Equal(0, (await consecutor.WaitForIdleAsync(Cancellation)).Unaccounted);
        List<DeadLetter> dead = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) dead.Add(letter);
        return ([.. seen], dead);
    }

    // Both types have the same short name, so the start takes them for one type.
    private static class Old
    {
        public sealed record Total(string Customer, decimal Amount);
    }

    private static class New
    {
        public sealed record Total(string Holder, decimal Amount);
    }
}
