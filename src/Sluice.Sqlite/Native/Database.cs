using System.Runtime.InteropServices;
using SQLitePCL;

namespace Sluice.Sqlite;

/// <summary>A connection of the raw provider with its prepared statements. Not thread-safe.</summary>
internal sealed class Database : IDisposable
{
    private const int NoCheckpointOnClose = 1006;    // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE
    private const int Persistent = 1;                // SQLITE_PREPARE_PERSISTENT
    private const int StepsToCheck = 100;            // of SQLite's virtual machine; a copy takes some for each row
    private const int HasMovedControl = 20;          // SQLITE_FCNTL_HAS_MOVED

    private readonly sqlite3 handle;
    // Keys are literals, compared by reference.
    private readonly Dictionary<string, Statement> own = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, Statement> foreign = new(StringComparer.Ordinal);
    private bool isForeign, guardsIds, changesTable;

    static Database() => Batteries_V2.Init();

    private Database(sqlite3 handle) => this.handle = handle;

    /// <summary>
    /// Whether a commit waits for the disk; otherwise only for the operating system. Must not change within a transaction.
    /// </summary>
    public bool FlushesCommits
    {
        get;
        set
        {
            if (value == field) return;
            Execute(value ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            field = value;
        }
    } = true;                                        // SQLite's default

    /// <summary>
    /// Whether the open file is no longer found under its name: it was moved, renamed, deleted or replaced. Always false if the operating
    /// system forbids that for open files.
    /// </summary>
    public bool HasMoved
    {
        get
        {
            int hasMoved = 0;
            return FileControl(handle, 0, HasMovedControl, ref hasMoved) == raw.SQLITE_OK && hasMoved != 0;
        }
    }

    public bool IsInTransaction => raw.sqlite3_get_autocommit(handle) == 0;
    public long LastId => raw.sqlite3_last_insert_rowid(handle);
    public int Changes => raw.sqlite3_changes(handle);

    /// <summary>Opens a file.</summary>
    /// <exception cref="SqliteFailure">The file cannot be opened.</exception>
    public static Database Open(string path, bool readOnly = false)
    {
        int flags = (readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE) | raw.SQLITE_OPEN_NOMUTEX;
        int result = raw.sqlite3_open_v2(path, out sqlite3 handle, flags, null);
        var database = new Database(handle);
        if (result != raw.SQLITE_OK)
        {
            SqliteFailure failure = database.Failure(result);
            handle.Dispose();
            throw failure;
        }
        raw.sqlite3_extended_result_codes(handle, 1);
        raw.sqlite3_busy_timeout(handle, 5000);
        return database;
    }

    /// <summary>From now on, denies user statements access to the store's tables and to the transaction (<see cref="Foreign"/>).</summary>
    /// <param name="withIds">Whether user statements may not change the last ids of tables either (<c>sqlite_sequence</c>): ids of streams
    /// and groups must not be used again.</param>
    public void GuardStore(bool withIds)
    {
        guardsIds = withIds;
        raw.sqlite3_set_authorizer(handle, Authorize, null);
    }

    /// <summary>Returns a statement of the store; the text must be a literal.</summary>
    public Statement Sql(string literal)
    {
        if (own.TryGetValue(literal, out Statement? statement)) return statement;
        own.Add(literal, statement = Prepare(literal, isBound: true));
        return statement;
    }

    /// <summary>Returns a statement of the user.</summary>
    public Statement Foreign(string sql)
    {
        if (foreign.TryGetValue(sql, out Statement? statement)) return statement;
        if (foreign.Count >= 64)
        {
            foreach (Statement old in foreign.Values) old.Dispose();
            foreign.Clear();
        }
        (isForeign, changesTable) = (true, false);
        try
        {
            foreign.Add(sql, statement = Prepare(sql));
            return statement;
        }
        finally
        {
            isForeign = false;
        }
    }

    /// <summary>Whether a user statement can be prepared with the present tables.</summary>
    public bool CanPrepare(string sql)
    {
        (isForeign, changesTable) = (true, false);
        try
        {
            Prepare(sql).Dispose();
            return true;
        }
        catch (SqliteFailure)
        {
            return false;
        }
        finally
        {
            isForeign = false;
        }
    }

    /// <summary>Lets statements of this connection fail soon after a cancellation.</summary>
    public void InterruptWhen(CancellationToken cancellation)
        => raw.sqlite3_progress_handler(handle, StepsToCheck, static token => ((CancellationToken)token).IsCancellationRequested ? 1 : 0,
            cancellation);

    /// <summary>Asks from time to time, while a statement runs, whether it is to be interrupted. The function must not throw.</summary>
    public void InterruptIf(Func<bool> ask)
        => raw.sqlite3_progress_handler(handle, StepsToCheck, static ask => ((Func<bool>)ask)() ? 1 : 0, ask);

    /// <summary>Ends <see cref="InterruptWhen"/>.</summary>
    public void InterruptNever() => raw.sqlite3_progress_handler(handle, 0, null, null);

    /// <summary>The number of rows that were changed since the connection was opened, by triggers too.</summary>
    public long TotalChanges => raw.sqlite3_total_changes(handle);

    /// <summary>Runs a statement once.</summary>
    public void Execute(string sql)
    {
        using Statement statement = Prepare(sql);
        statement.Run();
    }

    /// <summary>Prepares a statement, which the caller disposes.</summary>
    public Statement Prepared(string sql) => Prepare(sql);

    /// <summary>Returns the first column of the first row; null if there is none.</summary>
    public string? Ask(string sql)
    {
        using Statement statement = Prepare(sql);
        return statement.Next() ? statement.TextOrNull(0) : null;
    }

    public SqliteFailure Failure(int result)
    {
        int code = raw.sqlite3_extended_errcode(handle);
        return new((code & 0xff) == (result & 0xff) ? code : result, raw.sqlite3_errmsg(handle).utf8_to_string() ?? "unknown failure");
    }

    /// <summary>Resets statements that an exception left open: they would block checkpoints of the log.</summary>
    public void ResetAll()
    {
        foreach (Statement statement in own.Values) statement.Reset();
        foreach (Statement statement in foreign.Values) statement.Reset();
    }

    /// <summary>Keeps the write-ahead log when the connection is closed, as after a kill.</summary>
    public void LeaveLog() => raw.sqlite3_db_config(handle, NoCheckpointOnClose, 1, out _);

    public void Dispose()
    {
        foreach (Statement statement in own.Values.Concat(foreign.Values)) statement.Dispose();
        own.Clear();
        foreign.Clear();
        handle.Dispose();
    }

    // isBound: a change needs a transaction; otherwise SQLite would commit it alone, whatever the outcome of the call.
    private Statement Prepare(string sql, bool isBound = false)
    {
        int result = raw.sqlite3_prepare_v3(handle, sql, Persistent, out sqlite3_stmt statement, out string? tail);
        if (result != raw.SQLITE_OK) throw Failure(result);
        if (isForeign && !string.IsNullOrWhiteSpace(tail))
        {
            statement.Dispose();
            throw new SqliteFailure(raw.SQLITE_MISUSE, $"only one statement at a time, but behind the first follows: {tail.Trim()}");
        }
        bool needsTransaction = isBound && raw.sqlite3_stmt_readonly(statement) == 0 && !sql.StartsWith("BEGIN", StringComparison.Ordinal);
        return new(this, statement, needsTransaction);
    }

    // Called when a statement is prepared. A user statement that ended the transaction would acknowledge data that is not stored.
    private int Authorize(object user, int action, string? first, string? second, string? database, string? inner)
    {
        if (action is raw.SQLITE_DROP_TABLE or raw.SQLITE_ALTER_TABLE) changesTable = true;
        return isForeign && (action is raw.SQLITE_TRANSACTION or raw.SQLITE_SAVEPOINT or raw.SQLITE_ATTACH or raw.SQLITE_DETACH
            or raw.SQLITE_PRAGMA
            || (guardsIds && ChangesIds(action, first, database))
            || ((IsOfStore(first) || IsOfStore(second)) && action is not (raw.SQLITE_FUNCTION or raw.SQLITE_RECURSIVE)))
            ? raw.SQLITE_DENY
            : raw.SQLITE_OK;
    }

    // SQLite itself keeps the ids when a table is dropped or renamed, and asks here, too.
    private bool ChangesIds(int action, string? table, string? database)
        => action is raw.SQLITE_INSERT or raw.SQLITE_UPDATE or raw.SQLITE_DELETE && !changesTable && database == "main"
            && string.Equals(table, "sqlite_sequence", StringComparison.OrdinalIgnoreCase);

    private static bool IsOfStore(string? name) => name?.StartsWith(Schema.Prefix, StringComparison.OrdinalIgnoreCase) == true;

    // Missing in the provider's API; present in the library of its bundle.
    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control", CallingConvention = CallingConvention.Cdecl)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int FileControl(sqlite3 handle, nint name, int operation, ref int argument);
}
