using System.Text.Json;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Dead letters as lines of JSON.</summary>
public sealed class LetterExportTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ThePayloadIsWholeAlsoIfItIsMasked(bool isMasked)
    {
        await new Letters(store).AddAsync("secret" + new string('x', 40_000));
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            MaskPayload = isMasked ? static (_, text) => text.Replace("secret", "", StringComparison.Ordinal) : null,
        });
        using Viewer viewer = program.NewViewer();
        using JsonDocument line = JsonDocument.Parse((await viewer.GetAsync("/consecutors/orders/dead.jsonl")).Text);
        Assert.Equal((isMasked ? "" : "secret") + new string('x', 40_000), line.RootElement.GetProperty("text").GetString());
    }
}
