using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor whose Key was added or removed after its stream was made.</summary>
public class ChangedKeyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "was made with 1 partition, and this code asks for 64 partitions. Key was added since then", "Partitions = 1 }")]
    [InlineData(true, "was made with 64 partitions, and this code asks for 1 partition. Key was removed since then", "Partitions = 64 }")]
    public async Task TheErrorNamesTheKeyAndTheRemedies(bool hadKey, string change, string remedy)
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> before = New(hadKey)) await before.SendAsync(1, Cancellation);
        await using Consecutor<int> now = New(!hadKey);
        foreach (Func<Task> call in (Func<Task>[])[() => now.SendAsync(1, Cancellation).AsTask(), () => now.StartAsync(Cancellation)])
        {
            string told = (await Assert.ThrowsAsync<StreamStoreException>(call)).Message;
            Assert.Contains($"The stream of the consecutor totals {change}", told, StringComparison.Ordinal);
            Assert.Contains($"Keep the stream by the option Stream = new() {{ {remedy}, or give the consecutor a new name.", told,
                StringComparison.Ordinal);
        }

        Consecutor<int> New(bool hasKey)
        {
            var options = new ConsecutorOptions { Store = store };
            return hasKey ? new("totals", Body, options) { Key = n => $"{n}" } : new("totals", Body, options);
        }

        static Pipeline Body(Source<int> source)
            => (source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum")).ForEach(_ => { });
    }
}
