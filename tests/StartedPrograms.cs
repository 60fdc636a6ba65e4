using System.Runtime.CompilerServices;

namespace Sluice.Tests;

/// <summary>
/// Gives the programs that tests start the variables of <c>SLUICE_STARTED</c> (<c>NAME=value NAME=value</c>), which the tests themselves
/// must not have: what suits programs that end soon does not suit those that run for minutes. <c>./test</c> sets it.
/// </summary>
internal static class StartedPrograms
{
    [ModuleInitializer]
    internal static void Prepare()
    {
        string variables = Environment.GetEnvironmentVariable("SLUICE_STARTED") ?? "";
        foreach (string one in variables.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            Environment.SetEnvironmentVariable(one.Split('=')[0], one[(one.IndexOf('=') + 1)..]);
    }
}
