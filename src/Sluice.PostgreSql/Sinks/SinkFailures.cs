namespace Sluice.PostgreSql;

/// <summary>Tells from the server's error code what a failed statement of a sink is due to.</summary>
/// <remarks>
/// The classes are those of the error codes in PostgreSQL's manual. What is neither about the row nor of the server is in doubt: a trigger
/// can raise any code, so only a trial tells whether the row or the statement is at fault (<see cref="RowTrials"/>).
/// </remarks>
internal static class SinkFailures
{
    // The classes of PostgreSQL. All others are of the code of triggers and functions.
    private const string Classes = " 00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 "
        + "53 54 55 57 58 72 F0 HV P0 XX ";

    /// <summary>
    /// Whether only the row can be at fault: its values, a constraint, the size of an index entry. Or the code of a trigger says that it
    /// refuses the row, with P0001 (the code of a RAISE without one) or a code that PostgreSQL does not have. With any other code, a
    /// statement of the trigger may have failed, which may fail for all rows.
    /// </summary>
    public static bool IsOfRow(PostgresException failure)
    {
        bool isOfCode = failure.Where?.Contains("PL/", StringComparison.Ordinal) == true;
        return isOfCode ? failure.SqlState == PostgresErrorCodes.RaiseException
                || !Classes.Contains($" {failure.SqlState[..2]} ", StringComparison.Ordinal)
            : failure.SqlState[..2] is "22" or "23" or "44" || failure.SqlState == PostgresErrorCodes.ProgramLimitExceeded;
    }

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
    public static bool IsTransient(PostgresException failure) => failure.Routine != "exec_stmt_raise"
        && (failure.SqlState.StartsWith("40", StringComparison.Ordinal) || failure.SqlState == PostgresErrorCodes.QueryCanceled);

    /// <summary>Whether the statement took too long, or was cancelled.</summary>
    public static bool IsTimeout(PostgresException failure)
        => IsTransient(failure) && failure.SqlState == PostgresErrorCodes.QueryCanceled;

    /// <summary>Whether the server has refused the statement before it ran, because of its words or of the types of its values.</summary>
    public static bool IsOfParsing(PostgresException failure)
        => IsOfStatement(failure) && failure.Position > 0 && string.IsNullOrEmpty(failure.Where);
}
