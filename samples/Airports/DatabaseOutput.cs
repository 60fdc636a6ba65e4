using Microsoft.Data.Sqlite;

namespace Airports;

/// <summary>
/// The table <c>distance(origin, destination, km)</c> of a SQLite database: rows are inserted, or updated where the pair is already
/// there, in transactions of many rows. For one thread at a time.
/// </summary>
internal sealed class DatabaseOutput : IOutput
{
    private const int RowsPerTransaction = 20_000;
    private const int BusyTimeoutSeconds = 3;
    private const int SqliteBusy = 5;
    private const int SqliteLocked = 6;
    private const int SqliteFull = 13;

    /// <summary>Makes the table.</summary>
    internal const string CreateTable = """
        CREATE TABLE IF NOT EXISTS distance (
            origin TEXT NOT NULL, destination TEXT NOT NULL, km REAL NOT NULL, PRIMARY KEY (origin, destination)) WITHOUT ROWID
        """;

    /// <summary>Writes a row.</summary>
    internal const string Upsert = """
        INSERT INTO distance (origin, destination, km) VALUES ($origin, $destination, $km)
        ON CONFLICT (origin, destination) DO UPDATE SET km = excluded.km
        """;

    /// <summary>Takes a row back.</summary>
    internal const string Delete = "DELETE FROM distance WHERE origin = $origin AND destination = $destination";

    private readonly SqliteConnection connection;
    private readonly bool created;
    private readonly SqliteCommand upsert;
    private readonly SqliteParameter origin;
    private readonly SqliteParameter destination;
    private readonly SqliteParameter km;
    private bool begun;
    private bool inTransaction;
    private long rowsInTransaction;
    private long rowsAccepted;
    private long rowsWritten;
    private PairDistance last;

    private DatabaseOutput(SqliteConnection connection, string path, bool created)
    {
        (this.connection, Path, this.created) = (connection, path, created);
        upsert = connection.CreateCommand();
        upsert.CommandText = Upsert;
        origin = upsert.Parameters.Add("$origin", SqliteType.Text);
        destination = upsert.Parameters.Add("$destination", SqliteType.Text);
        km = upsert.Parameters.Add("$km", SqliteType.Real);
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public long RowsWritten => Volatile.Read(ref rowsWritten);

    /// <inheritdoc/>
    public long RowsAccepted => Volatile.Read(ref rowsAccepted);

    /// <summary>Opens the database and looks whether it can take the rows; changes nothing in it yet.</summary>
    /// <exception cref="UserMistake">It cannot be written, is no database, or has another table of that name.</exception>
    public static DatabaseOutput Open(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        if (Directory.Exists(path)) throw new UserMistake($"--db {path} is a directory: name a file.");
        var created = !File.Exists(path);
        try
        {
            // Tried and closed before SQLite has it open: closing any handle of a file gives up the locks that SQLite holds on it.
            File.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistake($"--db {path} cannot be written: {FileTrouble.Describe(cause)}.", cause);
        }

        var settings = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = BusyTimeoutSeconds };
        var output = new DatabaseOutput(new SqliteConnection(settings.ToString()), path, created);
        try
        {
            output.connection.Open();
            output.LookAtTable();
            return output;
        }
        catch (SqliteException cause)
        {
            output.Dispose();
            throw new UserMistake($"--db {path} cannot be used: {Describe(cause)}.", cause);
        }
    }

    /// <inheritdoc/>
    public void Write(PairDistance item)
    {
        last = item;
        try
        {
            if (!inTransaction) Begin();
            origin.Value = item.From;
            destination.Value = item.To;
            km.Value = item.Km;
            upsert.ExecuteNonQuery();
            rowsInTransaction++;
            Volatile.Write(ref rowsAccepted, rowsAccepted + 1);
            if (rowsInTransaction == RowsPerTransaction) Commit();
        }
        catch (SqliteException cause)
        {
            throw Failure(cause);
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        try
        {
            Commit();
        }
        catch (SqliteException cause)
        {
            throw Failure(cause);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        upsert.Dispose();
        connection.Dispose(); // Rolls back what is not committed.
        if (created && !begun) File.Delete(Path);
    }

    // Rows are written under a write lock from the first on: another program that holds it is met here, not at the commit.
    private void Begin()
    {
        Execute("BEGIN IMMEDIATE");
        if (!begun) Execute(CreateTable);
        begun = inTransaction = true;
    }

    private void Commit()
    {
        if (!inTransaction) return;
        Execute("COMMIT");
        inTransaction = false;
        Volatile.Write(ref rowsWritten, rowsWritten + rowsInTransaction);
        rowsInTransaction = 0;
    }

    // Transactions by statements of our own: SQLite rolls back by itself when the disk is full, which SqliteTransaction takes for an error.
    private void Execute(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void LookAtTable()
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandTimeout = 1;
            command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'distance'";
            if ((long)command.ExecuteScalar()! == 0) return;

            // Compiles the statement without running it: says at once when the table has other columns, or another key.
            command.CommandText = "EXPLAIN " + Upsert;
            command.Parameters.AddWithValue("$origin", "");
            command.Parameters.AddWithValue("$destination", "");
            command.Parameters.AddWithValue("$km", 0.0);
            command.ExecuteNonQuery();
        }
        catch (SqliteException cause) when (cause.SqliteErrorCode is SqliteBusy or SqliteLocked)
        {
            // Locked now does not mean locked when the first row comes; if it still is, the run fails there.
        }
    }

    private OutputFailure Failure(SqliteException cause) => new($"{Describe(cause)}: {Path}", last, cause);

    // SQLite's own words come wrapped as: SQLite Error 1: 'no such column: km'.
    private static string Describe(SqliteException cause) => cause.SqliteErrorCode switch
    {
        SqliteBusy or SqliteLocked => $"the database is locked by another program (waited {BusyTimeoutSeconds} s)",
        SqliteFull => "no space left for the database",
        _ => cause.Message.Split('\'', 2) is [_, var words] ? words.TrimEnd('.', '\'') : cause.Message,
    };
}
