using System.Globalization;
using System.Text.RegularExpressions;

namespace Sluice.Sqlite;

/// <summary>SQLite's own check of the file; adds the names of tables and indexes to page numbers.</summary>
internal sealed partial class FileCheck(Database database)
{
    private readonly Dictionary<long, string> roots = [];
    private readonly List<(string Name, string Table, string? Filter)> indexes = [];

    /// <summary>Returns SQLite's findings, and the indexes that cannot be read.</summary>
    public List<string> Find()
    {
        List<string> found = [];
        try
        {
            Statement check = database.Sql("PRAGMA integrity_check(100)");
            while (check.Next()) if (check.Text(0) is var line && line != "ok") found.Add(line);
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt)
        {
            found.Add(failure.Message);              // the check itself failed
        }
        if (found.Count == 0) return found;
        LoadSchema();
        found = [.. found.Select(line => $"SQLite finds: {Page().Replace(line, Named)}")];
        foreach ((string name, string table, string? filter) in indexes) if (!IsReadable(name, table, filter))
            found.Add(
                $"The index {name} of {table} cannot be read. REINDEX {name} (sqlite3) makes it anew from the table; if REINDEX fails as "
                    + $"well, restore a backup.");
        return found;
    }

    private void LoadSchema()
    {
        Statement parts = database.Sql("SELECT type, name, tbl_name, rootpage, coalesce(sql, '') FROM sqlite_schema WHERE rootpage > 0");
        while (parts.Next())
        {
            (string type, string name, string table, string sql) = (parts.Text(0), parts.Text(1), parts.Text(2), parts.Text(4));
            roots[parts.Long(3)] = $"the {type} {name}";
            int filter = sql.IndexOf(" WHERE ", StringComparison.OrdinalIgnoreCase);
            // Only the store's indexes: tables of the user's sinks may have any names and filters.
            if (type == "index" && table.StartsWith("sluice_", StringComparison.Ordinal))
                indexes.Add((name, table, filter < 0 ? null : sql[filter..]));
        }
    }

    private bool IsReadable(string name, string table, string? filter)
    {
        try
        {
            Statement count = database.Sql($"SELECT count(*) FROM {table} INDEXED BY {name}{filter}");
            while (count.Next()) { }
            return true;
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt)
        {
            return false;
        }
    }

    private string Named(Match page) => roots.TryGetValue(long.Parse(page.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
        out string? part) ? $"{page.Value} ({part})" : page.Value;

    [GeneratedRegex(@"[Pp]age (\d{1,18})")]
    private static partial Regex Page();
}
