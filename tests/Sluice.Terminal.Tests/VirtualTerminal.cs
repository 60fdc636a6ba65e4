using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace Sluice.Terminal.Tests;

/// <summary>
/// A terminal in memory: executes the control sequences that the display uses, and shows what a person would see. Narrower, it wraps lines
/// again, as most terminals do.
/// </summary>
internal sealed partial class VirtualTerminal : TextWriter, IAnsiConsoleOutput
{
    private readonly List<StringBuilder> rows = [new()];
    private readonly StringBuilder all = new();
    private int row, column;

    public override Encoding Encoding => Encoding.UTF8;

    public TextWriter Writer => this;

    public bool IsTerminal { get; init; } = true;

    public int Width { get; private set; } = 100;

    public int Height { get; init; } = 40;

    /// <summary>What a write throws, once the terminal was closed.</summary>
    public Exception? Closed { get; set; }

    /// <summary>Called before each write.</summary>
    public Action? Writing { get; set; }

    /// <summary>Everything that was written.</summary>
    public string Written => all.ToString();

    /// <summary>The lines that are seen, without empty ones at the end.</summary>
    public string[] Lines
    {
        get
        {
            lock (rows) return [.. rows.Select(static one => one.ToString().TrimEnd()).Reverse().SkipWhile(string.IsNullOrEmpty).Reverse()];
        }
    }

    public IAnsiConsole Console() => AnsiConsole.Create(new()
    {
        Out = this,
        Ansi = AnsiSupport.Yes,
        ColorSystem = ColorSystemSupport.NoColors,
        Interactive = InteractionSupport.No,
    });

    public void Resize(int width)
    {
        lock (rows)
        {
            for (int at = 0; at < rows.Count; at++)
            {
                if (rows[at].Length <= width) continue;
                rows.Insert(at + 1, new StringBuilder(rows[at].ToString(width, rows[at].Length - width)));
                rows[at].Length = width;
                if (row > at) row++;
            }
            Width = width;
        }
    }

    public void SetEncoding(Encoding encoding)
    {
    }

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string? value)
    {
        Writing?.Invoke();
        if (Closed is { } failure) throw failure;
        lock (rows)
        {
            all.Append(value);
            for (int at = 0; at < value!.Length;)
            {
                if (Control().Match(value, at) is { Success: true } control)
                {
                    Execute(control.Groups[1].Value, control.Groups[2].Value[^1]);
                    at += control.Length;
                }
                else
                {
                    Put(value[at++]);
                }
            }
        }
    }

    private void Execute(string number, char letter)
    {
        switch (letter)
        {
            case 'A':
                row = Math.Max(0, row - int.Parse(number, CultureInfo.InvariantCulture));
                break;
            case 'J':
                rows[row].Length = Math.Min(rows[row].Length, column);
                rows.RemoveRange(row + 1, rows.Count - row - 1);
                break;
            case 'm': break;                          // colors
            case 'h' or '=': break;                   // .NET sets modes of the keyboard when a program uses the console
            default: throw new InvalidOperationException($"The display wrote the unexpected control sequence {number}{letter}.");
        }
    }

    private void Put(char letter)
    {
        if (letter == '\r') column = 0;
        else if (letter == '\n')
        {
            (row, column) = (row + 1, 0);
            if (row == rows.Count) rows.Add(new());
        }
        else
        {
            if (char.IsControl(letter)) throw new InvalidOperationException($"The display wrote the control character {(int)letter}.");
            if (column == Width) throw new InvalidOperationException("A line is wider than the terminal.");
            while (rows[row].Length <= column) rows[row].Append(' ');
            rows[row][column++] = letter;
        }
    }

    [GeneratedRegex(@"\G\e(?:\[\??([0-9;]*))?([A-Za-z=])")]
    private static partial Regex Control();
}
