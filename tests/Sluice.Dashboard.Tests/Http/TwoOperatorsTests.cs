using Sluice.Storage;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Two operators who change the same dead letter.</summary>
public sealed class TwoOperatorsTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task OfTwoOperatorsWhoRedriveALetterAtOnceTheSecondIsToldThatItIsGone()
    {
        await new Letters(store).AddAsync("one", "two");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = new RedrivenByAnother(store) },
        });
        using Viewer viewer = program.NewViewer();
        Answer late = await viewer.PostAsync("/consecutors/orders/redrive", "/consecutors/orders/dead", ("number", "1"));
        Assert.Equal((HttpStatusCode.NotFound, true), (late.Status, late.Text.Contains("it was redriven or discarded",
            StringComparison.Ordinal)));
        Assert.Contains(">it was gone<", (await viewer.GetAsync("/audit")).Text, StringComparison.Ordinal);
        Assert.Equal(1, (await store.FindStreamAsync("orders", TestContext.Current.CancellationToken))!.Items);      // redriven once
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private sealed class RedrivenByAnother(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default)
        {
            await base.RedriveAsync(group, numbers, cancellation);
            return await base.RedriveAsync(group, numbers, cancellation);
        }
    }
}
