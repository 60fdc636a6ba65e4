using Sluice.Storage;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Wirings that are refused, with the reason.</summary>
public sealed class WiringTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void AnUnknownOutputNameIsRefusedWithTheKnownNames()
    {
        Consecutor<int> consecutor = Make("first", store);
        ArgumentException unknown = Assert.Throws<ArgumentException>(() => consecutor.Output<int>("oust"));
        Assert.Contains(
            "The consecutor first has no output 'oust': nothing in its pipeline writes to one. Did you mean 'out'? There is out.",
                unknown.Message);
        ArgumentException wrong = Assert.Throws<ArgumentException>(() => consecutor.Output<string>("out"));
        Assert.Contains("carries int, not string", wrong.Message);
        var bare = new Consecutor<int>("bare", source => source | (_ => { }), new() { Store = store });
        Assert.Contains("It has none", Assert.Throws<ArgumentException>(() => bare.Output<int>("out")).Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnOutputThatLeadsNowhereIsToldOnce(bool isStored)
    {
        List<string> warnings = [];
        await using var orders = new Consecutor<int>("orders", source => source | Sink.Output<int>("invoices"),
            new() { Store = isStored ? store : null, OnWarning = warnings.Add });
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([1, 2, 3], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal(["The output 'invoices' of the consecutor orders leads nowhere: its items are counted and discarded. Before the "
            + "start, connect it to the consecutor that takes int (Output<int>(\"invoices\").To(…); AddOutput in a host), or leave "
            + "it out of the pipeline."], warnings);
    }

    [Fact]
    public void AnOutputNameHasOneType()
    {
        InvalidTopologyException two = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("first",
            source => source | [Sink.Output<int>("out"), PipeTo(Sink.Output<string>("out"))], new() { Store = store }));
        Assert.Contains("The output 'out' would carry", two.Message);

        static Sink<int> PipeTo(Sink<string> sink) => Pipe.Of<int>() | (n => $"{n}") | sink;
    }

    [Fact]
    public void WiredConsecutorsNeedTheSameStore()
    {
        InvalidOperationException other = Assert.Throws<InvalidOperationException>(() => Make("first", store).Output<int>("out")
            .To(Make("second", new MemoryStreamStore())));
        Assert.Contains("they have two", other.Message);
        Assert.Contains("first has none", Assert.Throws<InvalidOperationException>(() => Make("first", null).Output<int>("out")
            .To(Make("second", store))).Message);
        Assert.Contains("second has none", Assert.Throws<InvalidOperationException>(() => Make("first", store).Output<int>("out")
            .To(Make("second", null))).Message);
    }

    [Fact]
    public async Task AStartedConsecutorCannotBeWired()
    {
        await using Consecutor<int> first = Make("first", store), second = Make("second", store), third = Make("third", store);
        await second.StartAsync(Cancellation);
        Assert.Contains("second was started (Running)",
            Assert.Throws<InvalidOperationException>(() => first.Output<int>("out").To(second)).Message);
        Assert.Contains("second was started (Running)",
            Assert.Throws<InvalidOperationException>(() => second.Output<int>("out").To(third)).Message);
    }

    [Fact]
    public void AnOutputLeadsToOneConsecutor()
    {
        Consecutor<int> first = Make("first", store);
        first.Output<int>("out").To(Make("second", store));
        Assert.Contains("leads to second already", Assert.Throws<InvalidOperationException>(() => first.Output<int>("out")
            .To(Make("third", store))).Message);
    }

    [Fact]
    public void AConsecutorWithDeliveryNoneCannotWireItsOutputs()
    {
        var free = new Consecutor<int>("free", source => source | Sink.Output<int>("out"),
            new() { Store = store, Delivery = DeliveryGuarantee.None });
        Assert.Contains("Use DeliveryGuarantee.Confirm",
            Assert.Throws<InvalidOperationException>(() => free.Output<int>("out").To(Make("second", store))).Message);
    }

    [Fact]
    public async Task ABlockingOutputInACycleIsRefused()
    {
        await using Consecutor<int> first = Make("first", store), second = Make("second", store);
        first.Output<int>("out").To(second, OutputMode.Blocking);
        second.Output<int>("out").To(first);
        InvalidOperationException cycle = await Assert.ThrowsAsync<InvalidOperationException>(() => first.StartAsync(Cancellation));
        Assert.Contains("The blocking output first.out leads back to first (first -> second -> first)", cycle.Message);
    }

    [Fact]
    public async Task AnEndedTargetStreamFailsTheConsecutorAndLosesNoItem()
    {
        await using Consecutor<int> first = Make("first", store), second = Make("second", store);
        first.Output<int>("out").To(second);
        await first.StartAsync(Cancellation);
        await store.EndStreamAsync("second", StreamEnd.Complete, Cancellation);
        await first.SendAsync(1, Cancellation);
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            first.Completion.WaitAsync(Cancellation));
        Assert.Contains("A stream that the consecutor first puts out to has ended", failure.Message);
        Assert.Equal(1, (await store.FindStreamAsync("first", Cancellation))!.Groups[0].Outstanding);
    }

    private static Consecutor<int> Make(string name, IStreamStore? store)
        => new(name, source => source | Sink.Output<int>("out"), new() { Store = store });
}
