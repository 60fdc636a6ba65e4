using System.Runtime.CompilerServices;

namespace Sluice.PostgreSql;

/// <summary>
/// Counts the parameters of a statement as the server does: the highest <c>$n</c> outside of texts, names and comments. Only what this
/// needs of PostgreSQL's lexer; with <c>standard_conforming_strings</c> on, as it is by default.
/// </summary>
internal ref struct SqlPlaces
{
    private static readonly ConditionalWeakTable<string, StrongBox<int>> Known = new();

    private readonly ReadOnlySpan<char> sql;
    private int at;

    private SqlPlaces(ReadOnlySpan<char> sql) => this.sql = sql;

    /// <summary>Returns the number of parameters. Equal text objects are read once.</summary>
    public static int Count(string sql) => Known.TryGetValue(sql, out StrongBox<int>? known) ? known.Value
        : Known.GetValue(sql, static text => new(new SqlPlaces(text).Highest())).Value;

    private int Highest()
    {
        int highest = 0;
        while (at < sql.Length)
        {
            char c = sql[at];
            if (c == '\'') SkipText(hasEscapes: false);
            else if (c is 'e' or 'E' && Next == '\'') SkipText(hasEscapes: true);
            else if (c == '"') SkipQuoted('"');
            else if (c == '-' && Next == '-') SkipLine();
            else if (c == '/' && Next == '*') SkipComment();
            else if (c == '$' && char.IsAsciiDigit(Next)) highest = Math.Max(highest, Number());
            else if (c == '$') SkipDollarText();
            else if (StartsName(c)) SkipName();
            else at++;
        }
        return highest;
    }

    private readonly char Next => at + 1 < sql.Length ? sql[at + 1] : '\0';

    private static bool StartsName(char c) => char.IsAsciiLetter(c) || c is '_' or >= '\u0080';

    // A name may contain $1, and a letter before a quote is not E if it ends a name.
    private void SkipName()
    {
        while (at < sql.Length && (StartsName(sql[at]) || char.IsAsciiDigit(sql[at]) || sql[at] == '$')) at++;
    }

    private int Number()
    {
        int first = ++at;
        while (at < sql.Length && char.IsAsciiDigit(sql[at])) at++;
        // The server refuses numbers that are larger than a parameter can have.
        return int.TryParse(sql[first..at], CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private void SkipText(bool hasEscapes)
    {
        if (hasEscapes) at++;
        do SkipQuoted('\'', hasEscapes);
        while (TryContinue());
    }

    // From a quote to behind the next one that is not doubled.
    private void SkipQuoted(char quote, bool hasEscapes = false)
    {
        for (at++; at < sql.Length; at++)
        {
            if (hasEscapes && sql[at] == '\\') at++;
            else if (sql[at] == quote && Next == quote) at++;
            else if (sql[at] == quote) break;
        }
        at = Math.Min(at + 1, sql.Length);
    }

    // A text goes on in the next line: 'a' and 'b' there are one text, with the escapes of the first. Comments may stand behind the end of
    // the line, but not before it.
    private bool TryContinue()
    {
        (int end, bool hasLine) = (at, false);
        while (at < sql.Length)
        {
            if (sql[at] is '\n' or '\r') hasLine = true;
            else if (hasLine && sql[at] == '-' && Next == '-')
            {
                SkipLine();
                continue;
            }
            else if (sql[at] is not (' ' or '\t' or '\f' or '\v')) break;
            at++;
        }
        if (hasLine && at < sql.Length && sql[at] == '\'') return true;
        at = end;
        return false;
    }

    private void SkipLine()
    {
        while (at < sql.Length && sql[at] is not ('\n' or '\r')) at++;
    }

    // Comments nest.
    private void SkipComment()
    {
        int depth = 0;
        do
        {
            if (sql[at] == '/' && Next == '*') (depth, at) = (depth + 1, at + 2);
            else if (sql[at] == '*' && Next == '/') (depth, at) = (depth - 1, at + 2);
            else at++;
        }
        while (depth > 0 && at < sql.Length);
    }

    // $$…$$ or $tag$…$tag$; a single $ otherwise.
    private void SkipDollarText()
    {
        int end = at + 1;
        while (end < sql.Length && (StartsName(sql[end]) || (end > at + 1 && char.IsAsciiDigit(sql[end])))) end++;
        if (end >= sql.Length || sql[end] != '$')
        {
            at++;
            return;
        }
        ReadOnlySpan<char> tag = sql[at..(end + 1)];
        int close = sql[(end + 1)..].IndexOf(tag, StringComparison.Ordinal);
        at = close < 0 ? sql.Length : end + 1 + close + tag.Length;
    }
}
