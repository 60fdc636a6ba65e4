using System.Diagnostics;

namespace Samples;

/// <summary>Ends a program with the program that has started it, however that one ends.</summary>
internal static class ParentProcess
{
    private const string Variable = "SAMPLE_ENDS_WITH_ITS_PARENT";

    /// <summary>Has a program that is started end with this one.</summary>
    public static void EndWithThisOne(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.Environment[Variable] = "1";
    }

    /// <summary>Ends this program with its parent, if the parent has wished so.</summary>
    public static void Watch()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null) return;
        new Thread(static () =>
        {
            using Stream input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0)
            {
                // Nothing is written. The input ends with the parent.
            }
            Environment.Exit(1);
        })
        { IsBackground = true }.Start();
    }
}
