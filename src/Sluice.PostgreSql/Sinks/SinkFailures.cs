namespace Sluice.PostgreSql;

/// <summary>Tells from the server's error code what a failed statement of a sink is due to.</summary>
/// <remarks>
/// The classes are those of the error codes in PostgreSQL's manual. A trigger can raise any code, so some codes are in doubt: only a trial
/// tells whether the row, the statement or the server is at fault (<see cref="RowTrials"/>). All that is neither of the server, nor of the
/// statement, nor in doubt is about the row: its values, a constraint, a trigger with an error code of its own.
/// </remarks>
internal static class SinkFailures
{
    /// <summary>Whether the statement is at fault: its words, tables, types or rights.</summary>
    public static bool IsOfStatement(PostgresException failure) => failure.SqlState[..2] is "42" or "0A" or "26" or "3D" or "3F";

    /// <summary>Whether the server is at fault, or the transaction is void: connection, a lock, resources, administrators, the system,
    /// configuration.</summary>
    public static bool IsOfServer(PostgresException failure)
        => failure.InvariantSeverity != "ERROR" || failure.SqlState[..2] is "08" or "53" or "58" or "F0"
            || failure.SqlState is PostgresErrorCodes.LockNotAvailable
            || (failure.SqlState.StartsWith("57", StringComparison.Ordinal) && failure.SqlState != PostgresErrorCodes.QueryCanceled);

    /// <summary>Whether a repetition may succeed: another transaction was in the way, or the statement took too long. Not if the code of a
    /// trigger said so.</summary>
    public static bool IsTransient(PostgresException failure) => IsTransientCode(failure) && failure.Routine != "exec_stmt_raise";

    private static bool IsTransientCode(PostgresException failure)
        => failure.SqlState.StartsWith("40", StringComparison.Ordinal) || failure.SqlState == PostgresErrorCodes.QueryCanceled;

    /// <summary>Whether each trial that fails costs the connection.</summary>
    public static bool IsCostly(PostgresException failure) => failure.SqlState.StartsWith("XX", StringComparison.Ordinal);

    /// <summary>Whether the server has refused the statement before it ran, because of its words or of the types of its values.</summary>
    public static bool IsOfParsing(PostgresException failure)
        => IsOfStatement(failure) && failure.Position > 0 && string.IsNullOrEmpty(failure.Where);

    /// <summary>Whether the error code does not tell what is at fault: the state of the transaction, objects in use, internal errors,
    /// and what may come from the body of a trigger.</summary>
    public static bool IsInDoubt(PostgresException failure)
        => IsOfStatement(failure) || IsTransientCode(failure) || failure.SqlState[..2] is "25" or "55" or "XX";

    /// <summary>What to do besides repairing the row or the statement; empty if nothing.</summary>
    public static string Advice(PostgresException failure) => failure.SqlState == PostgresErrorCodes.QueryCanceled
        ? " Raise the user's statement_timeout, or find out what keeps the server busy." : "";
}
