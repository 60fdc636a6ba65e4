using System.Runtime.CompilerServices;

namespace Sluice.Progress.Screen;

/// <summary>Tells the console's own writers from those that a program has put in their place (<see cref="Console.SetOut"/>).</summary>
internal static class ConsoleWriter
{
    private const string Synchronized = "System.IO.TextWriter+SyncTextWriter";

    /// <summary>Whether a writer writes to the console, and not for example into a file.</summary>
    public static bool IsOwn(TextWriter writer)
    {
        try
        {
            if (writer.GetType().FullName == Synchronized) writer = Inner(writer);
        }
        catch (Exception unknown) when (unknown is MissingFieldException or TypeLoadException)
        {
            return true;                             // another version of .NET: few programs replace the writers
        }
        return writer switch
        {
            LinesAbove lines => IsOwn(lines.Original),                  // of an earlier display: the program has kept it
            StreamWriter { BaseStream: { } stream } => stream.GetType().Assembly == typeof(Console).Assembly,
            _ => false,
        };
    }

    // The console locks each writer by a wrapper, which has no public property for what it wraps.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_out")]
    private static extern ref readonly TextWriter Inner([UnsafeAccessorType(Synchronized)] object synchronized);
}
