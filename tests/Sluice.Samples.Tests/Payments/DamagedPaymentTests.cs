using System.Text;
using System.Text.Json;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Samples.Tests.Payments;

/// <summary>The server over a store with entries that are no payments, because another program has written them.</summary>
public sealed class DamagedPaymentTests : IDisposable
{
    private readonly PaymentsServer server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => server.Dispose();

    [Fact]
    public async Task DeadLettersAreListedThoughAByteOfAPaymentIsWrong()
    {
        await server.StartAsync();
        await server.StopAsync();
        byte[] noJson = Encoding.UTF8.GetBytes(PaymentsServer.Payment("a", 1)), noText = [.. noJson];
        noJson[0] ^= 1;
        noText[^4] ^= 0x80;                                          // in the name of the payee
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(server.Store, Durability.Process,
            cancellation: Cancellation))
        {
            using var batch = new EntryBatch();
            batch.Add(noJson);
            batch.Add(noText);
            await store.AppendAsync(new("payments", "test", 0, 1, batch), Cancellation);
        }

        await server.StartAsync("--poison", "evil");
        await server.PostAsync(PaymentsServer.Payment("b", 1, "evil"));
        await server.WaitForAsync("payments", "dead", 3);
        JsonElement[] letters = [.. (await server.GetAsync("dead")).EnumerateArray()];
        Assert.Equal("evil", letters.Single(static letter => letter.TryGetProperty("payment", out _)).GetProperty("payment")
            .GetProperty("payee").GetString());
        Assert.Equal(new[] { noJson, noText }.Select(Convert.ToBase64String).Order(StringComparer.Ordinal),
            letters.Where(static letter => letter.TryGetProperty("damaged", out _))
                .Select(static letter => letter.GetProperty("damaged").GetString()).Order(StringComparer.Ordinal));
    }
}
