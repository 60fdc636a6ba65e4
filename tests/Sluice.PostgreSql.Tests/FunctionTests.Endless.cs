using Npgsql;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

// Functions that never return.
public sealed partial class FunctionTests
{
    /// <summary>Each of the two attempts would keep a connection; the store has two, and one that listens.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFunctionThatNeverReturnsKeepsNoConnection(bool hasReader)
    {
        var never = new TaskCompletionSource();
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address,
            Patient.Options with
            {
                Schema = place.Name,
                MaxConnections = 3,
                MaxFunctionTime = TimeSpan.FromSeconds(5),
                OnWarning = static _ => { }
            }, Cancellation);
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                await InsertAsync(transaction, n, "row", cancellation);
                if (n != 5) return;
                if (hasReader)
                    await new NpgsqlCommand("SELECT generate_series(1, 100000)", transaction.Connection).ExecuteReaderAsync(cancellation);
                await never.Task;
            });
            return default;
        }, store: store);
        await CommitLab.RunAsync(numbers, 10, dead: 1);
        Assert.Contains("It was still running 10 seconds after it began", (await ErrorsAsync(numbers))[5], StringComparison.Ordinal);
        Assert.Equal("18 9", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
        never.SetResult();
    }
}
