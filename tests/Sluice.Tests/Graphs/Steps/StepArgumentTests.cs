using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public partial class StepArgumentTests
{
    [Step("Total")]
    public static int Sum(IEnumerable<int> numbers, int more) => numbers.Sum() + more;

    [Step("Show")]
    public static string ShowAll(object[] values) => string.Join(' ', values);

    [Step("Build")]
    public static string BuildOne(string project, IReadOnlyDictionary<string, string> built)
        => $"{project}({string.Join(' ', built.Values)})";

    [Fact]
    public Task TasksAndFuturesAreAwaitedWhereAnObjectIsExpected() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        async Task<string> LaterAsync(string text)
        {
            await lab.DelayAsync(1);
            return text;
        }
        async ValueTask<int> NumberAsync()
        {
            await lab.DelayAsync(1);
            return 4;
        }
        async Task EndAsync() => await lab.DelayAsync(2);
        var show = Step.Of((object value) => $"{value}");
        Assert.Equal("one two 3 4", await Show([LaterAsync("one"), Step.Of(() => "two")(), 3, NumberAsync()]));
        object[] mixed = [LaterAsync("one"), Step.Of(() => "two")(), 3];
        Assert.Equal("one two 3", await Show(mixed));
        Assert.Equal("one", await show(LaterAsync("one")));
        Assert.Equal(nameof(Unit), (await Step.Of((object value) => value.GetType().Name)(EndAsync())));
        Assert.Equal(5, lab.Now);
        var failed = Task.FromException<string>(new FormatException("no"));
        Assert.Equal("no", (await Assert.ThrowsAsync<FormatException>(async () => await Show(["a", failed]))).Message);
    }));

    [Fact]
    public async Task AFutureOfACollectionFitsASequenceParameter()
    {
        int[] numbers = [1, 2];
        Assert.Equal(4, await Total(Step.Of(() => numbers)(), 1));
        Assert.Equal(4, await Total(Step.Of(() => numbers.ToList())(), 1));
        Assert.Equal(4, await Total(Step.Of(IEnumerable<int> () => numbers.Select(n => n))(), 1));
        Assert.Equal(4, await Total(Step.Of(IList<int> () => numbers)(), 1));
        Assert.Equal(4, await Total(Step.Of(ICollection<int> () => numbers)(), 1));
        Assert.Equal(4, await Total(Step.Of(IReadOnlyCollection<int> () => numbers)(), 1));
        Assert.Equal(4, await Total(Step.Of(IReadOnlyList<int> () => numbers)(), 1));
    }

    [Fact]
    public async Task AListArgumentIsCopiedAtTheCall()
    {
        var go = new TaskCompletionSource<int>();
        List<int> batch = [1, 2];
        Future<int> sum = Total(batch, go.Task);
        batch.Clear();
        go.SetResult(1);
        Assert.Equal(4, await sum);
    }

    [Fact]
    public async Task FromDataTakesAnyDelegate()
    {
        StepInput<string>[] records = [new("app", "App", "lib"), new("lib", "Lib")];
        Assert.Equal("App(Lib())", await Step.FromData<string, string>(records,
            (project, built) => Build(project, Step.Of((IReadOnlyDictionary<string, string> all) => all)(built)))["app"]);
        Assert.Contains("\"lib\"", Assert.Throws<InvalidOperationException>(() => Step.FromData<string, string>(records, (_, _) => null!))
            .Message, StringComparison.Ordinal);
    }
}
