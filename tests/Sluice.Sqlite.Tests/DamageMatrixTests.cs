namespace Sluice.Sqlite.Tests;

/// <summary>
/// Changes each column of each table, and removes rows of each table, then starts a consecutor. The consecutor ends as without the damage,
/// or reports it. It never waits silently, has another result, or fails with an unrelated error. <c>SLUICE_DAMAGE=all</c> damages every row
/// instead of the first and the last of each table.
/// </summary>
public sealed class DamageMatrixTests : IDisposable
{
    // The columns that checksums and digests cover. For the others see docs/guarantees.md.
    private static readonly (string Table, string Columns)[] Tables =
    [
        ("sluice_part", "epoch owner version dispatched done cseq cseq_epoch last_own rows row_bytes flying passed digest sum"),
        ("sluice_row", "seq state before alone attempts due bytes node error blob sum"),
        ("sluice_state", "part node key version value sum"),
        ("sluice_file", "name length sum"),
        ("sluice_stream", "partitions max_items max_bytes max_entry retention ended failure sum"),
        ("sluice_block", "blob chunks"),
        ("sluice_group", "stream name"),
        ("sluice_log", "tail total trimmed"),
        ("sluice_producer", "epoch last last_from position"),
        ("sluice_meta", "generation txn time recent last roots"),
    ];

    private readonly TempDirectory directory = new();

    public static TheoryData<string, string> Damages
        => [.. from table in Tables from column in (table.Columns + " *").Split(' ') select (table.Table, column)];

    public void Dispose() => directory.Dispose();

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task DamageToARowIsHarmlessOrReported(string table, string column)
    {
        string path = directory.File("store.db");
        await DamagedFile.FillAsync(path);
        File.Copy(path, directory.File("reference.db"));
        string expected = await DamagedFile.GoOnAsync(directory.File("reference.db"));
        List<long> rows = RowsOf(path, table);
        Assert.NotEmpty(rows);
        if (Environment.GetEnvironmentVariable("SLUICE_DAMAGE") != "all" && rows.Count > 2) rows = [rows[0], rows[^1]];
        foreach (long row in rows)
        {
            string copy = Copy(path, $"{table}-{row}");
            Damage(copy, table, column, row);
            string end = await DamagedFile.GoOnAsync(copy);
            Assert.True(end == expected || end.StartsWith("said: ", StringComparison.Ordinal),
                $"{table}.{column} of row {row}: {end}, but without the damage: {expected}");
        }
    }

    private static List<long> RowsOf(string path, string table)
    {
        using Database database = Database.Open(path);
        using Statement rows = database.Prepared($"SELECT count(*) FROM {table}");
        rows.Next();
        return [.. Enumerable.Range(0, (int)rows.Long(0)).Select(static row => (long)row)];
    }

    // Some tables have no row id, so the row is found by its position in the order of the keys.
    private static void Damage(string path, string table, string column, long row)
    {
        using Database database = Database.Open(path);
        string keys = table switch
        {
            "sluice_part" => "grp, part",
            "sluice_state" => "grp, part, node, key",
            "sluice_file" => "grp, part, name",
            "sluice_log" => "log",
            _ => "id",
        };
        string where = $"WHERE ({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1 OFFSET {row})";
        if (column == "*") database.Execute($"DELETE FROM {table} {where}");
        else database.Execute(
            $"UPDATE {table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN {column} + {(column == "seq" ? 1000 : 1)} WHEN "
                + $"'text' THEN {column} || '~' WHEN 'null' THEN 'x' ELSE CAST({column} AS BLOB) || x'01' END {where}");
        Assert.Equal("1", database.Ask("SELECT changes()"));
    }

    private string Copy(string path, string name)
    {
        string copy = directory.File($"{name}.db");
        File.Copy(path, copy, overwrite: true);
        return copy;
    }
}
