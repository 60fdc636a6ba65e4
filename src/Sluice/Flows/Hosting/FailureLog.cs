using System.Diagnostics;
using System.Text.Json;

namespace Sluice.Flows;

/// <summary>
/// Formats a function's failure for the log: one line for a warning, and the exception with the stack frames of user code for the details.
/// If the library has refused something, the line suffices.
/// </summary>
internal static class FailureLog
{
    private const int MaxFirstLine = 500;

    /// <param name="failure">The exception of the function.</param>
    /// <param name="error">The same failure as a text.</param>
    /// <param name="advice">The sentence about what to do about a failure of user code. A refusal has its own.</param>
    /// <param name="difference">A difference of declarations, which may be the cause; null if there is none.</param>
    /// <returns>The line, and the details; null if the line says all.</returns>
    public static (string Line, string? Details) Of(Exception failure, string error, string advice, string? difference)
    {
        Exception? cause = failure;
        if (IsRefusal(failure))
            while (cause is JsonException || IsRefusal(cause)) cause = cause?.InnerException;
        string line = error.ReplaceLineEndings(" ");
        if (cause is null) return (difference is null ? line : $"{line} {difference}", null);
        line = ShortText.Of(line, MaxFirstLine);
        if (PlaceOf(cause) is { } place) line = $"{line.TrimEnd('.')} ({place}).";
        return ($"{line}{(line is [.., '.' or '!' or '?' or '…'] ? "" : ".")} {difference ?? advice}", FailureText.AllOf(cause));
    }

    // The file and the line of user code that have thrown, so that most failures need no details. Unknown without symbols, and for what
    // was thrown in another process.
    private static string? PlaceOf(Exception cause)
        => Array.Find(new StackTrace(cause, fNeedFileInfo: true).GetFrames(), static frame => frame.GetFileName() is not null
            && DiagnosticMethodInfo.Create(frame)?.DeclaringAssemblyName.Split(',')[0] != nameof(Sluice)) is { } thrown
        ? $"{Path.GetFileName(thrown.GetFileName())}, line {thrown.GetFileLineNumber()}" : null;

    // The exact type: a derived one may wrap what user code has thrown in another process.
    private static bool IsRefusal(Exception? failure)
        => failure is NondeterministicReplayException or PayloadException or StreamStoreException
        || failure?.GetType() == typeof(FlowException);
}
