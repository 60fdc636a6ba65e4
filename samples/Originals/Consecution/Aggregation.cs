using System.Globalization;
using Sluice;

namespace Originals.Consecution;

/// <summary>
/// The original: rows of a file are routed by gender, then by age, and added up at each place; branches of both genders meet again by age,
/// and all in a total.
/// It wires that with add_downstream. Ours shares what several nodes take, and merges what meets again.
/// </summary>
internal static class Aggregation
{
    private const string SampleData = """
        gender,age,spent
        male,11,39.39
        female,10,34.72
        female,15,40.02
        male,19,26.27
        male,13,21.22
        female,40,23.17
        female,52,33.42
        male,33,39.52
        female,16,28.65
        male,60,26.74
        """;

    private sealed record Person(string Gender, int Age, decimal Spent);

    private sealed class SegmentTotals
    {
        public SortedDictionary<string, decimal> Totals { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Sum : StageNode<Person, Person>
    {
        private decimal total;

        protected override ValueTask ProcessAsync(Person item, Output<Person> output, CancellationToken cancellation)
        {
            total += item.Spent;
            return output.PushAsync(item);
        }

        protected override ValueTask EndAsync(Output<Person> output, CancellationToken cancellation)
        {
            State<SegmentTotals>().Totals[Name] = total;
            return default;
        }
    }

    private static Person MakePerson(string line)
    {
        string[] cells = line.Split(',');
        return new Person(cells[0], int.Parse(cells[1], CultureInfo.InvariantCulture),
            decimal.Parse(cells[2], CultureInfo.InvariantCulture));
    }

    private static bool IsAdult(Person person) => person.Age >= 18;

    private static Pipe<Person, Person> Agg(string name) => Pipe.Of<Person>() | StageNode.Of(() => new Sum()) | Stage.Named(name);

    public static async Task RunAsync()
    {
        Source<Person> people = (Source.Lines(new StringReader(SampleData)).Skip(1) | MakePerson).Share();
        Source<Person> male = (people.Where(person => person.Gender == "male") | Agg("male")).Share();
        Source<Person> female = (people.Where(person => person.Gender == "female") | Agg("female")).Share();

        Source<Person> adult = Source.Merge(male.Where(IsAdult) | Agg("male_adult"), female.Where(IsAdult) | Agg("female_adult"))
            | Agg("adult");
        Source<Person> child = Source.Merge(male.Where(p => !IsAdult(p)) | Agg("male_child"),
            female.Where(p => !IsAdult(p)) | Agg("female_child")) | Agg("child");
        Pipeline pipe = Source.Merge(adult, child) | Agg("total") | (_ => { });

        await using PipelineRun run = pipe.Start(new RunOptions { Mode = ExecutionMode.SingleThread, State = new SegmentTotals() });
        string[] totals = await run.ResultAsync((SegmentTotals state) => state.Totals.Select(total => $"{total.Key}: {total.Value}")
            .ToArray());

        Check.Lines("""
            adult: 149.12
            child: 164.00
            female: 159.98
            female_adult: 56.59
            female_child: 103.39
            male: 153.14
            male_adult: 92.53
            male_child: 60.61
            total: 313.12
            """, totals);
    }
}
