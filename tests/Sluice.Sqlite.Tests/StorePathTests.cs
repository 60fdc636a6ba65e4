using Sluice.Hosting;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>Texts that are no paths: the error says what the text is, and no file is made.</summary>
public class StorePathTests
{
    [Theory]
    [InlineData(null, "The given path is null: is its setting missing?")]
    [InlineData("", "The given path is empty: does its setting have a value?")]
    [InlineData("   ", "The given path is empty")]
    [InlineData("localhost:6379", "looks like the address of a server. For Redis, use RedisStreamStore.ConnectAsync")]
    [InlineData("redis.internal:6380,password=secret", "looks like the address of a server")]
    [InlineData("redis:localhost", "begins with 'redis:'")]
    [InlineData("Data Source=orders.db", "It is a connection string")]
    [InlineData("~/orders.db", "Only a shell writes the home folder")]
    public async Task ATextThatIsNoPathIsRefused(string? path, string words)
    {
        foreach (Func<Task> open in (Func<Task>[])[
            async () => await SqliteStreamStore.OpenAsync(path!, Durability.Process),
            async () => await SqliteStreamStore.OpenReadOnlyAsync(path!),
            async () => await SqliteStreamStore.BackupAsync("orders.db", path!),
            () => Task.FromResult(new SluiceOptions().UseSqlite(path!))])
        {
            ArgumentException refused = await Assert.ThrowsAnyAsync<ArgumentException>(open);
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
            Assert.Equal((path is null ? typeof(ArgumentNullException) : typeof(ArgumentException), "Sluice.Sqlite"),
                (refused.GetType(), refused.Source));
        }
    }
}
