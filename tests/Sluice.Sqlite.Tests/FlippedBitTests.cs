using System.Globalization;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// Flips one bit anywhere in a checkpointed file, then starts a consecutor. The consecutor ends as without the damage, or reports it. It
/// never waits silently and never hangs. <c>SLUICE_FLIPS</c> is the number of bits, one after the other; <c>SLUICE_SEED</c> is the first
/// seed.
/// </summary>
public sealed class FlippedBitTests : IDisposable
{
    private static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("SLUICE_FLIPS") ?? "24", CultureInfo.InvariantCulture);
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1", CultureInfo.InvariantCulture);

    private const int Page = 4096, Header = 64;

    // Offsets in the page of an index: the page type, without which SQLite cannot read the page, and the offset of the first entry.
    private const int KindOfPage = 0, FirstCell = 9;

    // In real time: only a call that hangs takes that long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task AFlippedBitIsHarmlessOrReported()
    {
        string path = directory.File("store.db"), copy = directory.File("copy.db");
        await DamagedFile.FillAsync(path);
        File.Copy(path, copy);
        string expected = await DamagedFile.GoOnAsync(copy);
        byte[] bytes = await File.ReadAllBytesAsync(path, Cancellation);
        List<string> wrong = [];
        int reported = 0;
        for (int seed = First; seed < First + Count; seed++)
        {
            var random = new Random(seed);
            int at = random.Next(bytes.Length), bit = random.Next(8);
            if (seed % 2 == 0) at = (at / Page * Page) + random.Next(Header); // the header of a page, with the offsets of its entries
            else while (bytes[at] == 0) at = (at + 1) % bytes.Length;
            foreach (string left in Directory.GetFiles(directory.Path, "copy.db*")) File.Delete(left);
            byte[] damaged = [.. bytes];
            damaged[at] ^= (byte)(1 << bit);
            await File.WriteAllBytesAsync(copy, damaged, Cancellation);
            string end;
            try
            {
                end = await Task.Run(() => DamagedFile.GoOnAsync(copy), Cancellation).WaitAsync(Patience, Cancellation);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                end = failure is TimeoutException ? "hangs" : $"fails otherwise: {failure}";
            }
            if (end.StartsWith("said: ", StringComparison.Ordinal)) reported++;
            else if (end != expected) wrong.Add($"seed {seed}, bit {bit} of byte {at}: {end}");
            if (end == "hangs") break;               // the hanging consecutor still has the file
        }
        Assert.True(wrong.Count == 0, $"Expected: {expected}\n{string.Join('\n', wrong)}");
        Assert.True(Count < 20 || reported > 0, $"{reported} of {Count} flipped bits were reported.");
    }

    // Found by this test: a retry that was missing in its index was never due, and its partition waited silently.
    [Theory]
    [InlineData("sluice_row_due")]
    [InlineData("sluice_row_seq")]
    public async Task AnIndexThatDiffersFromItsTableIsReported(string index)
    {
        string path = directory.File("store.db");
        await DamagedFile.FillAsync(path);
        await DamageAsync(path, index);

        string end = await DamagedFile.GoOnAsync(path);

        Assert.StartsWith("said: ", end, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sluice_row_due")]
    [InlineData("sluice_row_seq")]
    [InlineData("sqlite_autoindex_sluice_producer_1")]
    public async Task ACheckNamesAnUnreadableIndex(string index)
    {
        string path = directory.File("store.db");
        await DamagedFile.FillAsync(path);
        // a table of the user in the same file
        using (Database database = Database.Open(path)) database.Execute("CREATE TABLE \"order\"(id INTEGER, day TEXT UNIQUE)");
        await DamageAsync(path, index, KindOfPage);

        Assert.Contains((await CheckAsync(path)).Problems,
            problem => problem.StartsWith($"The index {index} of ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("sluice_row_due")]
    [InlineData("sluice_row_seq")]
    [InlineData("sqlite_autoindex_sluice_producer_1")]
    public async Task ACheckNamesADamagedIndexAndReindexRepairsIt(string index)
    {
        string path = directory.File("store.db"), copy = directory.File("copy.db");
        await DamagedFile.FillAsync(path);
        File.Copy(path, copy);
        string expected = await DamagedFile.GoOnAsync(copy);
        await DamageAsync(path, index);

        Assert.Contains((await CheckAsync(path)).Problems, problem => problem.Contains(index, StringComparison.Ordinal));
        using (Database database = Database.Open(path)) database.Execute("REINDEX");
        Assert.Empty((await CheckAsync(path)).Problems);
        Assert.Equal(expected, await DamagedFile.GoOnAsync(path));
    }

    private static async Task<IntegrityReport> CheckAsync(string path)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process);
        return await store.CheckAsync(Cancellation);
    }

    private static async Task DamageAsync(string path, string index, int at = FirstCell)
    {
        long page;
        using (Database database = Database.Open(path))
        using (Statement root = database.Prepared($"SELECT rootpage FROM sqlite_schema WHERE name = '{index}'"))
            page = root.Next() ? root.Long(0) : throw new InvalidOperationException();
        byte[] bytes = await File.ReadAllBytesAsync(path, Cancellation);
        bytes[((page - 1) * Page) + at] ^= 4;
        await File.WriteAllBytesAsync(path, bytes, Cancellation);
    }
}
