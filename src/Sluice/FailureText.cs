using System.Buffers;
using System.Data.Common;
using Sluice.Diagnostics;

namespace Sluice;

/// <summary>Failures in words, for those who read of them later.</summary>
internal static class FailureText
{
    private const int MaxLength = 4000, MaxStack = 2000;         // stores keep no more than 4,000 of both together
    private static readonly SearchValues<string> Additions
        = SearchValues.Create(["\n\nPOSITION: ", "\n\nDETAIL: "], StringComparison.Ordinal);
    private const string FirstCall = "\n   at ";

    public static DeadLetter Letter(PipelineException failure, int attempts, DateTimeOffset at)
        => new(failure.Node, failure.Item, Of(failure.InnerException!), attempts, at) { Exception = failure.InnerException };

    /// <summary>Type and message, also of what caused it: all that is left of a failure when its process has ended. A cause whose message
    /// the one before it quotes is left out.</summary>
    public static string Of(Exception failure)
    {
        string message = MessageOf(failure), text = $"{failure.GetType().Name}: {message}";
        if (failure.InnerException is null) return Shorten(text);
        var all = new StringBuilder(text);
        for (Exception? cause = failure.InnerException; cause is not null && all.Length <= MaxLength; cause = cause.InnerException)
        {
            string inner = MessageOf(cause);
            if (inner.Length > 0 && message.Contains(inner, StringComparison.Ordinal)) continue;
            all.Append(" <- ").Append(cause.GetType().Name).Append(": ").Append(inner);
            message = inner;
        }
        return Shorten(all.ToString());
    }

    /// <summary>The message of an exception. An exception of the user's may fail to say it.</summary>
    public static string MessageOf(Exception failure)
    {
        try
        {
            string message = failure.Message ?? "";
            // Npgsql adds lines about the place in the statement, and that details are hidden.
            int end = failure is DbException ? message.AsSpan().IndexOfAny(Additions) : -1;
            return end < 0 ? message : message[..end];
        }
        catch (Exception e)
        {
            return $"(its Message threw {e.GetType().Name})";
        }
    }

    /// <summary>The text of an exception, with its stack. An exception of the user's may fail to say it.</summary>
    public static string AllOf(Exception failure)
    {
        try
        {
            return failure.ToString() ?? Join(Of(failure), StackOf(failure));
        }
        catch (Exception)
        {
            return Join(Of(failure), StackOf(failure));
        }
    }

    /// <summary>
    /// The calls that led to a failure, the last call first, in lines that begin with <c>   at</c>. Calls of what caused it come first.
    /// Costs some 40 µs, mostly for the names of files. Empty if it was never thrown.
    /// </summary>
    public static string StackOf(Exception failure)
    {
        var all = new StringBuilder();
        Stack<Exception> causes = new();
        for (Exception? one = failure; one is not null && causes.Count < 10; one = one.InnerException) causes.Push(one);
        foreach (Exception one in causes)
        {
            if (LinesOf(one) is not { Length: > 0 } lines) continue;
            if (all.Length > 0) all.Append("\n   caught, then ").Append(one.GetType().Name);
            all.Append('\n').Append(lines);
            if (all.Length > MaxStack) break;
        }
        if (all.Length == 0) return "";
        string text = all.ToString(1, all.Length - 1).ReplaceLineEndings("\n");
        int end = text.Length <= MaxStack ? text.Length : text.LastIndexOf('\n', MaxStack);
        return end < 0 ? text[..MaxStack] : text[..end];
    }

    /// <summary>Joins a failure and its stack to one text, as stores keep it.</summary>
    public static string Join(string error, string stack) => stack.StartsWith(FirstCall[1..], StringComparison.Ordinal)
        ? $"{(error.Length + stack.Length >= MaxLength ? error[..Math.Min(error.Length, MaxLength - MaxStack)] : error)}\n{stack}" : error;

    /// <summary>Divides what <see cref="Join"/> has joined. Texts of older versions have no stack.</summary>
    public static (string Error, string Stack) Divide(string text)
    {
        int at = text.IndexOf(FirstCall, StringComparison.Ordinal);
        return at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
    }

    // The stack of an exception of the user's may fail to be read.
    private static string? LinesOf(Exception failure)
    {
        try
        {
            return failure.StackTrace;
        }
        catch (Exception)
        {
            return null;
        }
    }

    private static string Shorten(string text) => text.Length <= MaxLength ? text : text[..MaxLength];
}
