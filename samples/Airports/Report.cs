namespace Airports;

/// <summary>What a run says at its end: a short table, where the results are, and the pipeline.</summary>
internal static class Report
{
    public static void Print(TextWriter text, Job job, Outcome outcome, Outputs outputs, int airports, int known, SkippedRows skipped)
    {
        var pairs = Stages.CountPairs(airports);
        var seconds = outcome.Elapsed.TotalSeconds;

        text.WriteLine();
        Row("airports", $"{airports:N0} of {known:N0} in the gazetteer");
        Row("pairs", $"{job.Done:N0} of {pairs:N0}");
        foreach (var (node, output) in outputs.All) Row(node, $"{output.RowsWritten:N0} rows written to {output.Path}");
        Row("skipped rows", skipped.Count == 0 ? "none" : $"{skipped.Count:N0}");
        foreach (var line in skipped.Describe()) text.WriteLine($"    {line}");
        Row("time", $"{seconds:N3} s, {(seconds > 0 ? job.Done / seconds : 0):N0} items/s");
        text.WriteLine();
        text.WriteLine(job.Picture);

        void Row(string name, string value) => text.WriteLine($"{name,-14}{value}");
    }
}
