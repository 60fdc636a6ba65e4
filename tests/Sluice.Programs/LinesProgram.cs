namespace Sluice.Programs;

/// <summary>Writes the lines of its standard input to its standard output, and how the run has failed.</summary>
internal static class LinesProgram
{
    public static async Task<int> RunAsync()
    {
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { NewLine = "\n" };     // UTF-8 in every locale
        try
        {
            await (Source.StandardInput() | output.WriteLine).RunAsync();
            return 0;
        }
        catch (PipelineException e)
        {
            output.WriteLine(e.Message);
            return 1;
        }
    }
}
